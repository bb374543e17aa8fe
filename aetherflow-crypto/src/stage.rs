//! A [`Context`] on its way: each stage has one part more, and only the last can be finished.

use crate::{Context, ContextError};

/// A context that names its tenant only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a context without table, column and row binds nothing"]
pub struct Tenant<'a> {
    tenant: &'a str,
}

impl<'a> Tenant<'a> {
    pub(crate) fn new(tenant: &'a str) -> Self {
        Self { tenant }
    }

    /// Names the table.
    pub fn table(self, table: &'a str) -> Table<'a> {
        Table { tenant: self.tenant, table }
    }
}

/// A context that names its tenant and table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a context without column and row binds nothing"]
pub struct Table<'a> {
    tenant: &'a str,
    table: &'a str,
}

impl<'a> Table<'a> {
    /// Names the column.
    pub fn column(self, column: &'a str) -> Column<'a> {
        Column { tenant: self.tenant, table: self.table, column }
    }
}

/// A context that names its tenant, table and column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a column becomes a context by `row` or `without_row`"]
pub struct Column<'a> {
    tenant: &'a str,
    table: &'a str,
    column: &'a str,
}

impl<'a> Column<'a> {
    /// Finishes the context with the row's id, as text or bytes.
    ///
    /// # Errors
    /// A [`ContextError`] naming the first empty part.
    pub fn row(self, id: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Context<'a>, ContextError> {
        Context::new(self.tenant, self.table, self.column, Some(id.as_ref()))
    }

    /// Finishes a context that is bound to no row.
    ///
    /// # Security
    /// Values sealed so can be swapped between all rows of the column unnoticed.
    ///
    /// # Errors
    /// A [`ContextError`] naming the first empty part.
    pub fn without_row(self) -> Result<Context<'a>, ContextError> {
        Context::new(self.tenant, self.table, self.column, None)
    }
}
