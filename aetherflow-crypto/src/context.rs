use crate::{ContextError, pae::with_pae, stage};

/// What a sealed value is bound to: one tenant's cell, or one tenant's column.
///
/// A context is authenticated and never stored: whoever opens a value says again where it belongs, and a value moved
/// to another tenant, table, column or row does not open. Table and column are logical names that never change; a
/// rename is a reseal. A row is text or bytes and is compared byte for byte, so `"42"` and `[0, 0, 0, 42]` are two
/// rows: choose one spelling of an id and keep it.
///
/// # Security
/// A context stops swaps, not replays: an older value of the same cell opens there. Where that matters, make a
/// version part of the row.
///
/// # Examples
/// ```
/// use aetherflow_crypto::{Context, ContextError};
///
/// let cell = Context::tenant("tenant-7").table("users").column("email").row("42")?;
/// let column = Context::tenant("tenant-7").table("users").column("email").without_row()?;
/// assert!(cell != column);
/// # Ok::<(), ContextError>(())
/// ```
/// A context that lacks a part is another type, and seals nothing:
/// ```compile_fail,E0308
/// # use aetherflow_crypto::{Context, KeyRing, SealError};
/// # fn seal(ring: &KeyRing) -> Result<Vec<u8>, SealError> {
/// ring.seal(&Context::tenant("tenant-7").table("users").column("email"), b"alice@example.com")
/// # }
/// ```
// Invariant: no part is empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Context<'a> {
    tenant: &'a str,
    table: &'a str,
    column: &'a str,
    row: Option<&'a [u8]>,
}

impl<'a> Context<'a> {
    /// Begins a context with the customer the value belongs to.
    pub fn tenant(tenant: &'a str) -> stage::Tenant<'a> {
        stage::Tenant::new(tenant)
    }

    pub(crate) fn new(
        tenant: &'a str,
        table: &'a str,
        column: &'a str,
        row: Option<&'a [u8]>,
    ) -> Result<Self, ContextError> {
        if tenant.is_empty() {
            return Err(ContextError::EmptyTenant);
        }
        if table.is_empty() {
            return Err(ContextError::EmptyTable);
        }
        if column.is_empty() {
            return Err(ContextError::EmptyColumn);
        }
        if row.is_some_and(<[u8]>::is_empty) {
            return Err(ContextError::EmptyRow);
        }
        Ok(Self { tenant, table, column, row })
    }

    /// Lends the additional data of a field sealed here.
    pub(crate) fn with_aad<R>(&self, then: impl FnOnce(&[u8]) -> R) -> R {
        let (tenant, table, column) = (self.tenant.as_bytes(), self.table.as_bytes(), self.column.as_bytes());
        match self.row {
            Some(row) => with_pae([FIELD_LABEL, tenant, table, column, row], then),
            None => with_pae([COLUMN_LABEL, tenant, table, column], then),
        }
    }
}

const FIELD_LABEL: &[u8] = b"aetherflow/field/v1";
const COLUMN_LABEL: &[u8] = b"aetherflow/column/v1";
