//! One value for each provider.

use std::convert::Infallible;

/// The place of a provider among all. The default is the provider of the environment and `.env`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProviderIndex(usize);

impl ProviderIndex {
    /// Returns the place of the provider that has this position in the configuration file, counted from 0.
    pub(super) fn of_file(number: usize) -> Self {
        Self(number + 1)
    }
}

/// One value for each provider: that of the environment and `.env` first, then those of the configuration file in its order.
#[derive(Clone, Debug)]
pub struct PerProvider<T> {
    first: T,
    others: Vec<T>,
}

impl<T> PerProvider<T> {
    /// `first` is the value of the provider of the environment and `.env`.
    pub(super) fn new(first: T, others: Vec<T>) -> Self {
        Self { first, others }
    }

    /// Returns the value of a provider.
    pub fn get(&self, ProviderIndex(index): ProviderIndex) -> &T {
        index.checked_sub(1).and_then(|index| self.others.get(index)).unwrap_or(&self.first)
    }

    /// Returns the value of the provider of the environment and `.env`.
    pub fn first(&self) -> &T {
        &self.first
    }

    /// Returns all values with the places of their providers.
    pub fn iter(&self) -> impl Iterator<Item = (ProviderIndex, &T)> {
        [&self.first].into_iter().chain(&self.others).enumerate().map(|(index, value)| (ProviderIndex(index), value))
    }

    /// Whether there is more than one provider.
    pub fn are_several(&self) -> bool {
        !self.others.is_empty()
    }

    /// Returns what `make` returns for each value.
    pub fn map<U>(&self, mut make: impl FnMut(ProviderIndex, &T) -> U) -> PerProvider<U> {
        let Ok(values) = self.try_map(|index, value| Ok::<_, Infallible>(make(index, value)));
        values
    }

    /// Returns what `make` returns for each value. Fails with its first failure.
    pub fn try_map<U, E>(&self, mut make: impl FnMut(ProviderIndex, &T) -> Result<U, E>) -> Result<PerProvider<U>, E> {
        let first = make(ProviderIndex::default(), &self.first)?;
        let others = self.others.iter().enumerate().map(|(number, value)| make(ProviderIndex::of_file(number), value));
        Ok(PerProvider { first, others: others.collect::<Result<_, E>>()? })
    }
}
