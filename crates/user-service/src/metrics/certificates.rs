//! Until when the certificates are valid that callers see and are asked for; nothing where there is no TLS.

use super::catalogue as of;
use super::sheet::Sheet;
use crate::tls::Certificates;

pub(super) fn read(sheet: &mut Sheet, certificates: &Certificates) {
    sheet.put_each(&of::CERTIFICATE_EXPIRES, certificates.until());
    if let Some(refused) = certificates.refused() {
        sheet.put(&of::CERTIFICATE_REFUSED, refused);
    }
}
