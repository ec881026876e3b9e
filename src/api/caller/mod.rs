//! The caller of a request: an account, by its token; a visitor of the portal, by a cookie; and the client's IP address.

mod account_or_visitor;
mod bearer;
mod client_ip;
mod optional_account;
mod own_page;
mod visitor;

pub(super) use self::{
    account_or_visitor::Asker,
    bearer::Bearer,
    client_ip::ClientAddress,
    optional_account::OptionalAccount,
    own_page::{ensure_own_page, is_own_page},
    visitor::Visit,
};
