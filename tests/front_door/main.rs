//! AL-Chat through its front door: real sockets in front, living fakes of the model and of Papita behind, the service
//! in this process or as the program it ships as.

mod client;
mod fakes;
mod house;
