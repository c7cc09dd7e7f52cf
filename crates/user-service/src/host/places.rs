//! Places that callers take and give back: so many in all, and so many of one address, so that nobody takes everybody's.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: usize,
    per_address_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    address: IpAddr,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// For anybody.
    All,
    /// For this address.
    Address,
}

impl Full {
    /// Its label in the metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Address => "address",
        }
    }
}

impl Places {
    pub(super) fn new(max: usize, per_address_max: usize) -> Self {
        Self(Arc::new(Inner { max, per_address_max, taken: Mutex::default() }))
    }

    pub(super) fn take(&self, address: IpAddr) -> Result<Place, Full> {
        let address = network(address);
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.0.max {
            return Err(Full::All);
        }
        let of_address = taken.by_address.entry(address).or_default();
        if *of_address >= self.0.per_address_max {
            return Err(Full::Address);
        }
        *of_address += 1;
        taken.all += 1;
        Ok(Place { places: self.clone(), address })
    }

    pub(super) fn taken(&self) -> usize {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(of_address) = taken.by_address.get_mut(&self.address) {
            *of_address -= 1;
            // Whoever has gone is forgotten: otherwise every address that ever called would be kept.
            if *of_address == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// Whom an address stands for. A network of version 6 gives each of its machines 2^64 of them to choose from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    #[test]
    fn one_address_cannot_take_all_and_all_is_the_end() {
        let places = Places::new(3, 2);
        let mine = [places.take(ip("10.0.0.1")), places.take(ip("10.0.0.1"))];
        assert_eq!(places.take(ip("10.0.0.1")).err(), Some(Full::Address));
        let hers = places.take(ip("10.0.0.2")).expect("there is one left");
        assert_eq!(places.take(ip("10.0.0.3")).err(), Some(Full::All));
        drop((mine, hers));
        assert_eq!(places.taken(), 0);
        assert!(
            places.0.taken.lock().expect("nobody panicked").by_address.is_empty(),
            "nobody is remembered"
        );
    }

    #[test]
    fn a_network_of_version_6_is_one_caller() {
        let places = Places::new(9, 1);
        let _one = places.take(ip("2001:db8::1")).expect("it is the first");
        assert_eq!(places.take(ip("2001:db8::ffff:2")).err(), Some(Full::Address));
        places.take(ip("2001:db8:0:1::1")).expect("it is another network");
        let _four = places.take(ip("10.0.0.1")).expect("it is another");
        assert_eq!(
            places.take(ip("::ffff:10.0.0.1")).err(),
            Some(Full::Address),
            "the same, written otherwise"
        );
    }
}
