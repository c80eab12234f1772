//! Writing statements down: one writer for all dialects.
//!
//! sea-query has a writer for each dialect, and each would be compiled into the component whole, with
//! all that we never use. What our statements need differs only in quotes and placeholders; what
//! differs in meaning is told apart where the statement is built (see `dialect`).

use std::fmt::Write;

use sea_query::{
    BinOper, CaseStatement, Condition, EscapeBuilder, ExplainStatement, Expr, Frame, LockClause,
    LogicalChainOper, OnConflict, Oper, OperLeftAssocDecider, OrderExpr, PrecedenceDecider,
    QueryBuilder, Quote, QuotedBuilder, ReturningClause, SelectInto, SqlWriter, SubQueryStatement,
    TableRefBuilder, Value, ValueTuple, Values,
};

use crate::database::Dialect;

/// Writes statements in a dialect.
pub(super) struct Writer(pub(super) Dialect);

impl QuotedBuilder for Writer {
    fn quote(&self) -> Quote {
        Quote::new(self.0.quote())
    }
}

impl QueryBuilder for Writer {
    fn placeholder(&self) -> (&'static str, bool) {
        match self.0 {
            Dialect::Postgresql => ("$", true),
            Dialect::Sqlite | Dialect::Mysql => ("?", false),
        }
    }

    /// Of expressions, what our statements are made of. Types stand in them by their names in PostgreSQL.
    fn prepare_expr(&self, expression: &Expr, sql: &mut impl SqlWriter) {
        match expression {
            Expr::Custom(text) => {
                // Writing to a string cannot fail.
                let _ = sql.write_str(self.0.type_name(text));
            }
            Expr::CustomWithExpr(text, parts) => self.prepare_template(text, parts, sql),
            Expr::Column(column) => self.prepare_column_ref(column, sql),
            Expr::Value(value) => self.prepare_value(value.clone(), sql),
            Expr::Keyword(keyword) => self.prepare_keyword(keyword, sql),
            Expr::Tuple(parts) => self.prepare_tuple(parts, sql),
            Expr::FunctionCall(call) => {
                self.prepare_function_name(call.get_func(), sql);
                self.prepare_function_arguments(call, sql);
            }
            Expr::Unary(operator, operand) => {
                self.prepare_un_oper(operator, sql);
                let _ = sql.write_str(" ");
                self.prepare_operand(operand, (*operator).into(), sql);
            }
            Expr::Binary(left, operator, right) => self.binary_expr(left, operator, right, sql),
            Expr::SubQuery(operator, query) => {
                if let Some(operator) = operator {
                    self.prepare_sub_query_oper(operator, sql);
                }
                let _ = sql.write_str("(");
                self.prepare_query_statement(query, sql);
                let _ = sql.write_str(")");
            }
            _ => {}
        }
    }

    /// What a statement gives back of the rows that it has written. MySQL does not know that: it takes it for the
    /// comment as which it is written, and MariaDB reads it, from 10.5 on.
    fn prepare_returning(&self, returning: &Option<ReturningClause>, sql: &mut impl SqlWriter) {
        let Some(ReturningClause::Exprs(columns)) = returning else {
            return;
        };
        let (before, behind) = match self.0 {
            Dialect::Postgresql | Dialect::Sqlite => (" RETURNING ", ""),
            Dialect::Mysql => (" /*M!100500 RETURNING ", " */"),
        };
        let _ = sql.write_str(before);
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                let _ = sql.write_str(", ");
            }
            self.prepare_expr(column, sql);
        }
        let _ = sql.write_str(behind);
    }

    /// Conditions that all must hold, see [`Conditions`](super::Conditions).
    fn prepare_logical_chain_oper(
        &self,
        condition: &LogicalChainOper,
        position: usize,
        conditions: usize,
        sql: &mut impl SqlWriter,
    ) {
        let (LogicalChainOper::And(condition) | LogicalChainOper::Or(condition)) = condition;
        if position > 0 {
            let _ = sql.write_str(" AND ");
        }
        if conditions == 1 || position == 0 && matches!(condition, Expr::Binary(_, BinOper::And, _))
        {
            self.prepare_expr(condition, sql);
        } else {
            self.prepare_operand(condition, BinOper::And.into(), sql);
        }
    }

    /// Only LIMIT has a number without sign. One that is always the same stands in the text: PostgreSQL expects a
    /// tenth of all rows behind one that is bound, and where that looks dear it plans a prepared statement anew each
    /// time that it runs.
    fn prepare_value(&self, value: Value, sql: &mut impl SqlWriter) {
        match value {
            Value::BigUnsigned(Some(1)) => {
                let _ = sql.write_str("1");
            }
            _ => sql.push_param(value, self),
        }
    }

    fn prepare_query_statement(&self, query: &SubQueryStatement, sql: &mut impl SqlWriter) {
        // No other kind of statement ever stands within another one.
        match query {
            SubQueryStatement::SelectStatement(select) => {
                self.prepare_select_statement(select, sql);
            }
            SubQueryStatement::UpdateStatement(update) => {
                self.prepare_update_statement(update, sql);
            }
            _ => {}
        }
    }

    /// No statement asks for anything else.
    fn prepare_on_conflict(&self, on_conflict: &Option<OnConflict>, sql: &mut impl SqlWriter) {
        if on_conflict.is_some() {
            let _ = sql.write_str(" ON CONFLICT DO NOTHING");
        }
    }

    // What follows occurs in none of our statements, and weighs some kilobytes.

    /// A condition that is not given by [`Conditions::only`](super::Conditions::only): no database takes a WHERE
    /// without one.
    fn prepare_condition_where(&self, _: &Condition, _: &mut impl SqlWriter) {}

    /// CASE is written by [`either`](super::either) and [`when`](super::when).
    fn prepare_case_statement(&self, _: &CaseStatement, _: &mut impl SqlWriter) {}

    fn prepare_select_into(&self, _: &SelectInto, _: &mut impl SqlWriter) {}

    fn prepare_select_lock(&self, _: &LockClause, _: &mut impl SqlWriter) {}

    fn prepare_field_order(&self, _: &OrderExpr, _: &Values, _: &mut impl SqlWriter) {}

    fn prepare_frame(&self, _: &Frame, _: &mut impl SqlWriter) {}

    fn prepare_values_list(&self, _: &[ValueTuple], _: &mut impl SqlWriter) {}

    fn prepare_values_rows(&self, _: &[Values], _: &mut impl SqlWriter) {}

    fn prepare_explain_statement(&self, _: &ExplainStatement, _: &mut impl SqlWriter) {}

    /// Values are bound; this would write one into the text.
    fn write_value(&self, _: &mut impl Write, _: &Value) -> std::fmt::Result {
        Err(std::fmt::Error)
    }
}

impl Writer {
    /// What an operator is applied to, in parentheses unless they can be left out.
    fn prepare_operand(&self, operand: &Expr, operator: Oper, sql: &mut impl SqlWriter) {
        if self.inner_expr_well_known_greater_precedence(operand, &operator) {
            return self.prepare_expr(operand, sql);
        }
        let _ = sql.write_str("(");
        self.prepare_expr(operand, sql);
        let _ = sql.write_str(")");
    }

    /// A text with a `?` in the place of each part, whatever the dialect. Within quotes, it is text.
    fn prepare_template(&self, text: &str, parts: &[Expr], sql: &mut impl SqlWriter) {
        let mut parts = parts.iter();
        let mut quote = None;
        for piece in text.split_inclusive(['?', '\'', '"', '`']) {
            match (quote, piece.chars().next_back()) {
                (None, Some('?')) => {
                    let _ = sql.write_str(piece.trim_end_matches('?'));
                    if let Some(part) = parts.next() {
                        self.prepare_expr(part, sql);
                    }
                    continue;
                }
                (None, mark) => quote = mark,
                // One that is doubled ends what is in quotes, and begins it again.
                (Some(begun), mark) if mark == Some(begun) => quote = None,
                (Some(_), _) => {}
            }
            let _ = sql.write_str(piece);
        }
    }
}

impl EscapeBuilder for Writer {}

impl TableRefBuilder for Writer {}

impl OperLeftAssocDecider for Writer {
    fn well_known_left_associative(&self, operator: &BinOper) -> bool {
        matches!(
            operator,
            BinOper::And | BinOper::Or | BinOper::Add | BinOper::Sub | BinOper::Mul
        )
    }
}

impl PrecedenceDecider for Writer {
    /// Which parentheses can be left out: around what is whole by itself, and around a comparison
    /// between AND, OR and NOT.
    fn inner_expr_well_known_greater_precedence(&self, inner: &Expr, outer: &Oper) -> bool {
        match inner {
            Expr::Column(_)
            | Expr::Value(_)
            | Expr::Keyword(_)
            | Expr::FunctionCall(_)
            | Expr::SubQuery(..)
            | Expr::Tuple(_)
            // Text of our own is written whole.
            | Expr::Custom(_) => true,
            // So is what `either` and `when` make.
            Expr::CustomWithExpr(text, _) => text.starts_with("(CASE "),
            Expr::Binary(_, operator, _) => {
                is_comparison(operator) && matches!(outer, Oper::UnOper(_))
                    || is_comparison(operator)
                        && matches!(outer, Oper::BinOper(BinOper::And | BinOper::Or))
                    || is_arithmetic(operator)
                        && matches!(outer, Oper::BinOper(operator) if is_comparison(operator))
            }
            _ => false,
        }
    }
}

fn is_comparison(operator: &BinOper) -> bool {
    use BinOper::{
        Equal, GreaterThan, GreaterThanOrEqual, In, Is, IsNot, Like, NotEqual, SmallerThan,
        SmallerThanOrEqual,
    };
    matches!(
        operator,
        Equal
            | NotEqual
            | SmallerThan
            | SmallerThanOrEqual
            | GreaterThan
            | GreaterThanOrEqual
            | In
            | Like
            | Is
            | IsNot
    )
}

fn is_arithmetic(operator: &BinOper) -> bool {
    matches!(
        operator,
        BinOper::Add | BinOper::Sub | BinOper::Mul | BinOper::Div
    )
}

#[cfg(test)]
mod tests {
    use sea_query::{Expr, ExprTrait, Query};

    use crate::database::{Dialect, Value};
    use crate::sql::{Conditions, Statement, bind_int};

    #[test]
    fn a_place_within_quotes_is_text() {
        let mut select = Query::select();
        select.expr(Expr::cust_with_exprs(
            r#"? + "a?""?" + `b?'` + '''?"' + ?"#,
            [bind_int(1), bind_int(2)],
        ));
        let statement = Statement::build(&select, Dialect::Sqlite);
        assert_eq!(
            statement.text,
            r#"SELECT CAST(? AS bigint) + "a?""?" + `b?'` + '''?"' + CAST(? AS bigint)"#
        );
        assert_eq!(statement.parameters, [Value::Int64(1), Value::Int64(2)]);
    }

    #[test]
    fn conditions_that_all_must_hold_stay_whole() {
        let column = |name: &'static str| Expr::cust(name);
        let written = |conditions: Vec<Expr>| {
            let mut select = Query::select();
            select.expr(column("x"));
            for condition in conditions {
                select.only(condition);
            }
            Statement::build(&select, Dialect::Sqlite).text
        };
        let either = || column("a").or(column("b"));
        let both = || column("c").and(column("d"));
        assert_eq!(written(vec![either()]), "SELECT x WHERE a OR b");
        assert_eq!(
            written(vec![either(), both()]),
            "SELECT x WHERE (a OR b) AND (c AND d)"
        );
        assert_eq!(
            written(vec![both(), either(), column("e").not()]),
            "SELECT x WHERE c AND d AND (a OR b) AND (NOT e)"
        );
    }
}
