//! Rows in bulk, in the server's own binary form.

use std::pin::pin;

use eventstore::{ColumnKind, ProjectionTable, ReadError, Row};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::catalog::Step;
use super::table::copy_text;
use crate::read::failed;
use crate::row::Parameter;

pub(super) async fn copy(
    step: &Step<'_>,
    table: &ProjectionTable,
    name: &str,
    rows: &[&Row],
) -> Result<(), ReadError> {
    if rows.is_empty() {
        return Ok(());
    }
    let types: Vec<_> = table.columns.iter().map(|column| sql_type(column.kind)).collect();
    let sink = step.transaction.copy_in(&copy_text(table, name)).await.map_err(failed)?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for row in rows {
        let values: Vec<_> = row.iter().map(Parameter).collect();
        writer.as_mut().write_raw(values).await.map_err(failed)?;
    }
    writer.finish().await.map_err(failed)?;
    Ok(())
}

fn sql_type(kind: ColumnKind) -> Type {
    match kind {
        ColumnKind::Uuid => Type::UUID,
        ColumnKind::SmallInt => Type::INT2,
        ColumnKind::BigInt => Type::INT8,
        ColumnKind::Text => Type::TEXT,
        ColumnKind::Bytes => Type::BYTEA,
        ColumnKind::Time => Type::TIMESTAMPTZ,
    }
}
