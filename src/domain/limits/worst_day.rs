//! The most that limits let a day cost.

use std::{collections::BTreeSet, fmt};

use super::scope::LimitScope;
use crate::{
    domain::cost::{Prices, TokenUsage, dollars},
    foundation::config::{Config, LimitList, LimitUnit, LimitWindow, SiteSettings},
};

/// The most that limits let a day cost, at list price.
#[derive(Clone, Debug, PartialEq)]
pub struct WorstDay {
    /// The most that all together can cost, in dollars; `None` if nothing limits that.
    pub total: Option<f64>,
    /// The most that one address can cost, in dollars; `None` if nothing limits that.
    pub address: Option<f64>,
    /// The model with the dearest tokens; `None` if no price is known.
    pub model: Option<String>,
    /// The models that limits in dollars don't count, because their prices are not known; empty without such limits.
    pub uncounted: Vec<String>,
}

impl WorstDay {
    /// Computes it for the dearest of the models that may be asked. `of_personas` are those that personas name.
    #[must_use]
    pub fn of(config: &Config, of_personas: &BTreeSet<String>) -> Self {
        let (limits, prices) = (&config.limits, Prices::of(&config.model));
        let models = config.model.names_with(of_personas);
        let token = |model: &str| {
            let one = prices.cost(model, TokenUsage { prompt: 1, completion: 1 })?;
            Some(one.prompt.max(one.completion))
        };
        let dearest = models.iter().filter_map(|model| Some((token(model)?, *model))).max();
        let of_settings = LimitScope::OF_TURNS.into_iter().filter_map(|scope| Some(&scope.limits(limits)?.list));
        let of_sites = config.sites.iter().flat_map(|SiteSettings { limits, .. }| {
            [&limits.site].into_iter().chain(&limits.visitor).chain(&limits.address)
        });
        let mut all = of_settings.chain(of_sites).flat_map(LimitList::iter);
        let counts_dollars = all.any(|limit| limit.unit == LimitUnit::Dollars);
        let uncounted = models.iter().filter(|model| counts_dollars && token(model).is_none());
        let price = dearest.map(|(price, _)| price);
        Self {
            total: most(&limits.total.list, price),
            address: most_of_address(config, price),
            model: dearest.map(|(_, model)| model.to_owned()),
            uncounted: uncounted.map(|model| (*model).to_owned()).collect(),
        }
    }

    /// Whether the operator should know of it: nothing limits what a day costs, or something is not counted.
    #[must_use]
    pub fn is_worth_a_warning(&self) -> bool {
        self.total.is_none() || !self.uncounted.is_empty()
    }
}

impl fmt::Display for WorstDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.total {
            Some(total) => write!(f, "a day can cost up to ${total:.2}")?,
            None => f.write_str(
                "nothing limits what a day of all visitors together can cost; set LIMIT_TOTAL, such as 5usd/day",
            )?,
        }
        match (self.address, &self.model) {
            (Some(address), Some(model)) if self.total.is_none_or(|total| address < total) => {
                write!(f, "; one address can cost up to ${address:.2} a day, at the price of {model}")?;
            }
            (Some(address), None) => write!(f, "; one address can cost up to ${address:.2} a day")?,
            (None, Some(_)) if self.total.is_none() => f.write_str("; nor does anything limit one address")?,
            _ => {}
        }
        if !self.uncounted.is_empty() {
            let models = self.uncounted.join(", ");
            write!(f, "; limits in dollars do not count {models}, whose prices are not known (MODEL_PRICES)")?;
        }
        Ok(())
    }
}

/// Returns the most that one address can cost, in dollars: by the limits of the settings, and beside them at each site whose
/// addresses have limits of their own.
fn most_of_address(config: &Config, price: Option<u64>) -> Option<f64> {
    let at_site = |SiteSettings { limits, .. }: &SiteSettings| {
        let lists = [limits.address.as_ref()?, &limits.site];
        Some(lists.into_iter().filter_map(|list| most(list, price)).reduce(f64::min))
    };
    let at_sites = config.sites.iter().filter_map(at_site);
    at_sites.chain([most(&config.limits.address.list, price)]).sum()
}

/// Returns the most that a day can cost by the limits of dollars and tokens, in dollars. `price` is that of the dearest
/// token, in pico-dollars.
fn most(limits: &LimitList, price: Option<u64>) -> Option<f64> {
    let minutes = u64::from(LimitWindow::Day.seconds() / LimitWindow::Minute.seconds());
    let a_day = |unit| {
        let by_day = limits.amount(unit, LimitWindow::Day);
        let by_minute = limits.amount(unit, LimitWindow::Minute).map(|amount| amount.saturating_mul(minutes));
        by_day.into_iter().chain(by_minute).min()
    };
    let by_tokens = a_day(LimitUnit::Tokens).zip(price).map(|(tokens, price)| tokens.saturating_mul(price));
    a_day(LimitUnit::Dollars).into_iter().chain(by_tokens).min().map(dollars)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::config::Source;

    fn worst_day(settings: &[(&str, &str)]) -> WorstDay {
        let config = Config::read(&Source::of_pairs(settings.iter().copied())).unwrap();
        WorstDay::of(&config, &BTreeSet::new())
    }

    #[test]
    fn by_default_an_address_costs_less_than_a_dollar_a_day() {
        let worst = worst_day(&[]);
        assert_eq!((worst.total, worst.address, worst.model.as_deref()), (None, Some(0.6), Some("gpt-4o-mini")));
    }

    #[test]
    fn the_dearest_model_and_the_lowest_limit_count() {
        let dear = ("ALLOWED_MODELS", "gpt-4o");
        assert_eq!(worst_day(&[dear]).address, Some(10.0));
        assert_eq!(worst_day(&[dear, ("LIMIT_ADDRESS", "1000000tokens/day, 2.5usd/day")]).address, Some(2.5));
        assert_eq!(worst_day(&[dear, ("LIMIT_TOTAL", "0.001usd/minute")]).total, Some(1.44));
        assert_eq!(worst_day(&[dear, ("LIMIT_TOTAL", "20/minute")]).total, None);
        let unknown = WorstDay { total: None, address: None, model: None, uncounted: Vec::new() };
        assert_eq!(worst_day(&[("OPENAI_MODEL", "llama3")]), unknown);
    }

    #[test]
    fn an_address_can_spend_at_each_site_that_has_its_own_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sites.toml");
        let worst = |sites: &[&str]| {
            let site = |(index, limits): (usize, &&str)| {
                format!("[[sites]]\nid = \"s{index}\"\norigins = [\"https://a.example\"]\n{limits}\n")
            };
            std::fs::write(&path, sites.iter().enumerate().map(site).collect::<String>()).unwrap();
            worst_day(&[("LIMIT_ADDRESS", "1usd/day"), ("CONFIG_FILE", path.to_str().unwrap())]).address
        };
        assert_eq!(worst(&["", "limits.visitor = \"9usd/day\""]), Some(1.0));
        assert_eq!(worst(&["limits.address = \"2usd/day\"", "limits.address = \"4usd/day\""]), Some(7.0));
        assert_eq!(worst(&["limits.address = \"off\"\nlimits.site = \"0.5usd/day\""]), Some(1.5));
        assert_eq!(worst(&["limits.address = \"off\""]), None);
    }

    #[test]
    fn the_sentence_says_what_is_limited() {
        for (settings, expected) in [
            (
                &[][..],
                "nothing limits what a day of all visitors together can cost; set LIMIT_TOTAL, such as 5usd/day; one \
                       address can cost up to $0.60 a day, at the price of gpt-4o-mini",
            ),
            (
                &[("LIMIT_TOTAL", "5usd/day")],
                "a day can cost up to $5.00; one address can cost up to $0.60 a day, at the price \
                                              of gpt-4o-mini",
            ),
            (&[("LIMIT_TOTAL", "0.5usd/day")], "a day can cost up to $0.50"),
            (
                &[("LIMIT_TOTAL", "5usd/day"), ("OPENAI_MODEL", "llama3")],
                "a day can cost up to $5.00; limits in dollars do not \
                                                                         count llama3, whose prices are not known (MODEL_PRICES)",
            ),
            (
                &[("LIMIT_ADDRESS", "off")],
                "nothing limits what a day of all visitors together can cost; set LIMIT_TOTAL, such as \
                                           5usd/day; nor does anything limit one address",
            ),
        ] {
            assert_eq!(worst_day(settings).to_string(), expected);
        }
        assert!(!worst_day(&[("LIMIT_TOTAL", "5usd/day")]).is_worth_a_warning());
    }
}
