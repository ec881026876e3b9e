//! Accounts: `/api/auth/…`, one file per operation. Operations with the same path share a file.

mod account;
mod aliases;
mod body;
mod login;
mod logout;
mod password;
mod register;

pub(super) use self::{
    account::OwnAccountApi, login::LoginApi, logout::LogoutApi, password::ChangePasswordApi, register::RegisterApi,
};
