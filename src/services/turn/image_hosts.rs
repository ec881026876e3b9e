//! Checks that the hosts of a turn's images are public. The model's server fetches an image from its address, and must
//! not be used to read from a private network.
//!
//! The address itself is checked where it is parsed (`chat::Image`). Here its host name is resolved, which finds public
//! names with a private address. That can't be complete: the model's server resolves the name again, may get another
//! address, and follows redirects by its own rules.

use std::collections::BTreeSet;

use super::failure::TurnFailure;
use crate::{
    adapters::host_lookup::HostLookup,
    domain::{
        chat::{Image, InvalidImage, Message},
        public_address::is_public,
    },
};

/// Limit of the different image hosts in one turn. As many names are resolved at once.
const MAX_HOSTS: usize = 16;

/// Checks the hosts of images.
#[derive(Debug, Default)]
pub(super) struct ImageHosts {
    lookup: HostLookup,
}

impl ImageHosts {
    /// Fails if a host has a private address. All names are resolved at once, which takes about a second at most.
    ///
    /// A name that can't be resolved passes: where a proxy is the only way out, public names can't be resolved here, and
    /// the owner of a name could return any address anyway.
    pub(super) async fn check(&self, names: &BTreeSet<String>) -> Result<(), TurnFailure> {
        if names.is_empty() {
            return Ok(());
        }
        let addresses = self.lookup.addresses_of_all(names).await;
        if addresses.into_iter().all(is_public) { Ok(()) } else { Err(InvalidImage::NotPublic.into()) }
    }
}

/// Returns the names of the images' hosts, each once. Fails if there are too many.
pub(super) fn host_names(messages: &[Message]) -> Result<BTreeSet<String>, InvalidImage> {
    let mut names = BTreeSet::new();
    for name in messages.iter().flat_map(|message| &message.images).filter_map(Image::host_name) {
        names.insert(name);
        if names.len() > MAX_HOSTS {
            return Err(InvalidImage::TooManyHosts { most: MAX_HOSTS });
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::Role;

    fn shown(url: &str) -> Message {
        Message::new(Role::User, "Who is it?").with_images(Image::parse(url))
    }

    #[test]
    fn each_host_is_listed_once() {
        let urls = ["https://a.example/1.png", "https://A.example:8443/2.png", "https://93.184.215.14/a.png"];
        let messages = urls.map(shown).into_iter().chain([Message::new(Role::User, "hi".to_owned())]);
        assert_eq!(host_names(&messages.collect::<Vec<_>>()), Ok(BTreeSet::from(["a.example".to_owned()])));
    }

    #[test]
    fn the_number_of_hosts_is_limited() {
        let of_hosts = |hosts: usize| {
            let urls = (0..200).map(|image| format!("https://h{}.example/{image}.png", image % hosts));
            host_names(&urls.map(|url| shown(&url)).collect::<Vec<_>>()).map(|names| names.len())
        };
        assert_eq!(of_hosts(MAX_HOSTS), Ok(MAX_HOSTS));
        assert_eq!(of_hosts(MAX_HOSTS + 1), Err(InvalidImage::TooManyHosts { most: MAX_HOSTS }));
    }
}
