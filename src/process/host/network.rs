//! The addresses of the machine: `host.ip` and `host.mac`.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// IP addresses, then MAC addresses as ECS writes them, interface by interface, without the loopback's; none if
/// the system does not tell.
pub fn addresses() -> (Vec<IpAddr>, Vec<String>) {
    let mut interfaces: Vec<(String, Vec<IpAddr>)> = Vec::new();
    let mut macs: Vec<String> = Vec::new();
    for entry in getifaddrs().into_iter().flatten() {
        let Some(address) = entry.address else {
            continue;
        };
        if entry.flags.contains(InterfaceFlags::IFF_LOOPBACK) {
            continue;
        }
        if let Some(mac) = address
            .as_link_addr()
            .and_then(nix::sys::socket::LinkAddr::addr)
        {
            // That of a tunnel is all zeros.
            let text = mac.map(|byte| format!("{byte:02X}")).join("-");
            if mac != [0; 6] && !macs.contains(&text) {
                macs.push(text);
            }
        }
        let ip = address
            .as_sockaddr_in()
            .map(|address| IpAddr::V4(address.ip()))
            .or_else(|| Some(IpAddr::V6(address.as_sockaddr_in6()?.ip())));
        let Some(ip) = ip else {
            continue;
        };
        let name = entry.interface_name;
        match interfaces.iter_mut().find(|(known, _)| *known == name) {
            Some((_, ips)) => ips.push(ip),
            None => interfaces.push((name, vec![ip])),
        }
    }
    let ips = interfaces.into_iter().flat_map(|(_, ips)| ips);
    (ips.collect(), macs)
}
