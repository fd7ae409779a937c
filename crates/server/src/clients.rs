//! Who asks, and how much each has open.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{ApiError, Result};

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Open requests by client.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// An open request.
#[derive(Debug)]
pub(crate) struct Open {
    clients: Clients,
    who: Option<IpAddr>,
}

impl Clients {
    pub(crate) fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// Counts a request for as long as what is returned is held. Requests from this machine are not counted: a reverse
    /// proxy stands there, or whoever owns the machine.
    ///
    /// # Errors
    /// If the client has too many open.
    pub(crate) fn enter(&self, peer: Option<Peer>) -> Result<Open> {
        let who = peer.map(|Peer(addr)| one(addr.ip())).filter(|ip| !ip.is_loopback());
        if let Some(who) = who {
            let mut open = self.open();
            let count = open.entry(who).or_default();
            if *count >= self.most {
                return Err(ApiError::too_many(self.most));
            }
            *count += 1;
        }
        Ok(Open { clients: self.clone(), who })
    }

    /// Numbers stay numbers, even if a thread panics that holds them.
    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(who) = self.who else { return };
        let mut open = self.clients.open();
        if let Some(count) = open.get_mut(&who) {
            *count -= 1;
            if *count == 0 {
                open.remove(&who);
            }
        }
    }
}

/// The address that stands for a client: of IPv6 the network, of which one has all addresses.
fn one(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Option<Peer> {
        Some(Peer(SocketAddr::new(text.parse().unwrap(), 1)))
    }

    #[test]
    fn each_address_has_its_own_count() {
        let clients = Clients::new(2);
        let first = clients.enter(peer("192.0.2.1"));
        let _second = clients.enter(peer("::ffff:192.0.2.1")).unwrap();
        assert_eq!(clients.enter(peer("192.0.2.1")).err(), Some(ApiError::too_many(2)));
        assert!(clients.enter(peer("192.0.2.2")).is_ok());
        drop(first);
        assert!(clients.enter(peer("192.0.2.1")).is_ok());
        // One network of IPv6, and another.
        let _both = (clients.enter(peer("2001:db8::1")), clients.enter(peer("2001:db8::2")));
        assert!(clients.enter(peer("2001:db8:0:0:ffff::3")).is_err());
        assert!(clients.enter(peer("2001:db8:0:1::3")).is_ok());
        assert_eq!(clients.open().len(), 2);
    }

    #[test]
    fn this_machine_is_free() {
        let clients = Clients::new(0);
        for peer in [None, peer("127.0.0.1"), peer("::1"), peer("::ffff:127.0.0.1")] {
            assert!(clients.enter(peer).is_ok(), "{peer:?}");
        }
    }
}
