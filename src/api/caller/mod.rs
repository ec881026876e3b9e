//! The caller of a request: an account, by its token; a visitor of the portal, by a cookie; the operator; and the client's IP
//! address.

mod account_or_visitor;
mod asked_from;
mod bearer;
mod checked_bearer;
mod client_ip;
mod figure_access;
mod identity;
mod operator;
mod own_page;
mod required_account;
mod required_api_key;
mod this_machine;
mod ticket_scheme;
mod visitor;

pub(super) use self::{
    account_or_visitor::AccountOrVisitor,
    asked_from::AskedFrom,
    checked_bearer::CheckedBearer,
    client_ip::{ClientAddress, LoginFrom},
    figure_access::{FigureAccess, ensure_metrics_access},
    identity::Identity,
    operator::{Operator, OperatorOrAccount, ensure_operator},
    own_page::{ensure_own_page, is_own_page, is_sent_by_own_page},
    required_account::RequiredAccount,
    required_api_key::RequiredApiKey,
    visitor::Visit,
};
