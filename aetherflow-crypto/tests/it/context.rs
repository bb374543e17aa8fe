use crate::{refused, ring};
use aetherflow_crypto::{Context, ContextError};

#[test]
fn a_value_opens_only_where_it_was_sealed() {
    let ring = ring();
    let home = Context::tenant("tenant-7").table("users").column("email").row("42").unwrap();
    let sealed = ring.seal(&home, b"alice@example.com").unwrap();
    assert_eq!(*ring.open(&home, &sealed).unwrap(), *b"alice@example.com");
    for (change, tenant, table, column, row) in [
        ("another tenant", "tenant-8", "users", "email", "42"),
        ("another table", "tenant-7", "admins", "email", "42"),
        ("another column", "tenant-7", "users", "phone", "42"),
        ("another row", "tenant-7", "users", "email", "43"),
        ("tenant in another case", "Tenant-7", "users", "email", "42"),
        ("row with a leading zero", "tenant-7", "users", "email", "042"),
        ("a byte moved from tenant to table", "tenant-", "7users", "email", "42"),
        ("a byte moved from table to column", "tenant-7", "user", "semail", "42"),
        ("a byte moved from column to row", "tenant-7", "users", "emai", "l42"),
        ("table and column exchanged", "tenant-7", "email", "users", "42"),
    ] {
        let context = Context::tenant(tenant).table(table).column(column).row(row).unwrap();
        assert_eq!(ring.open(&context, &sealed), Err(refused()), "{change}");
    }
}

#[test]
fn a_cell_and_its_column_are_two_contexts() {
    let ring = ring();
    let column = Context::tenant("tenant-7").table("users").column("email");
    let (cell, whole) = (column.row("42").unwrap(), column.without_row().unwrap());

    let of_cell = ring.seal(&cell, b"value").unwrap();
    let of_column = ring.seal(&whole, b"value").unwrap();

    assert_eq!(ring.open(&whole, &of_cell), Err(refused()));
    assert_eq!(ring.open(&cell, &of_column), Err(refused()));
    assert_eq!(*ring.open(&whole, &of_column).unwrap(), *b"value");
}

#[test]
fn a_row_may_be_text_or_bytes() {
    let column = Context::tenant("tenant-7").table("users").column("email");
    let owned = String::from("42");
    assert_eq!(column.row("42"), column.row(b"42"));
    assert_eq!(column.row("42"), column.row(&owned));
    assert_ne!(column.row("42"), column.row(&[0, 0, 0, 42]));
}

#[test]
fn the_first_empty_part_is_named() {
    for (tenant, table, column, row, want) in [
        ("", "users", "email", "42", ContextError::EmptyTenant),
        ("tenant-7", "", "email", "42", ContextError::EmptyTable),
        ("tenant-7", "users", "", "42", ContextError::EmptyColumn),
        ("tenant-7", "users", "email", "", ContextError::EmptyRow),
        ("tenant-7", "", "", "", ContextError::EmptyTable),
    ] {
        let built = Context::tenant(tenant).table(table).column(column).row(row);
        assert_eq!(built, Err(want), "{tenant:?} {table:?} {column:?} {row:?}");
    }
}

#[test]
fn a_context_without_row_has_no_empty_part_either() {
    for (tenant, table, column, want) in [
        ("", "users", "email", ContextError::EmptyTenant),
        ("tenant-7", "", "email", ContextError::EmptyTable),
        ("tenant-7", "users", "", ContextError::EmptyColumn),
    ] {
        let built = Context::tenant(tenant).table(table).column(column).without_row();
        assert_eq!(built, Err(want), "{tenant:?} {table:?} {column:?}");
    }
}
