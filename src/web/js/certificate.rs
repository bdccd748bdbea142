//! Certificates as files: written to be taken away, and checked when they come back.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{js_error, to_js};
use crate::exact::{CertificateFile, Levels, Method, Refutation};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What came of checking the file of a certificate: one of the two is null. */
export interface CheckedCertificate {
  verified: {
    label: number;
    /** What the label is called; null where the data set is not known. */
    labelName: string | null;
    /** No change of up to so many levels per pixel changes the label. */
    radiusLevels: number;
    /** What proves that. */
    method: 'lipschitz' | 'ibp' | 'branch-and-bound';
    width: number;
    height: number;
    /** The image, a byte a pixel. */
    image: Uint8Array;
  } | null;
  refuted: {
    /** The member of the file that is wrong first of all; null where the file is no certificate. */
    member: string | null;
    reason: string;
  } | null;
}
"#;

/// Writes the certificate of an image, a byte a pixel with `width` pixels a row, by the network of an
/// unpacked model file, at the largest radius that IBP proves: the bytes of docs/certificate-format.md.
/// Throws an `Error` where there is no label, or where the image is not of the network's size.
#[wasm_bindgen(js_name = certificateFile)]
pub fn certificate_file(model: &[u8], image: &[u8], width: usize) -> Result<Vec<u8>, JsError> {
    let certificate = CertificateFile::new(model, image, width, None, 0).map_err(js_error)?;
    Ok(certificate.to_bytes())
}

/// Verifies or refutes the file of a certificate with an unpacked model file. Everything that it claims
/// is computed anew. Throws an `Error` if the model file cannot be used.
#[wasm_bindgen(js_name = checkCertificate, unchecked_return_type = "CheckedCertificate")]
pub fn check_certificate(file: &[u8], model: &[u8]) -> Result<JsValue, JsError> {
    let checked = CertificateFile::check(file, model).map_err(js_error)?;
    to_js(&Checked::from(checked))
}

// The shape of `TYPES` above.

#[derive(Serialize)]
struct Checked {
    verified: Option<Verified>,
    refuted: Option<Refuted>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    label: usize,
    label_name: Option<String>,
    radius_levels: Levels,
    method: Method,
    width: usize,
    height: usize,
    #[serde(serialize_with = "super::certify::as_bytes")]
    image: Vec<u8>,
}

#[derive(Serialize)]
struct Refuted {
    member: Option<&'static str>,
    reason: String,
}

impl From<Result<CertificateFile, Refutation>> for Checked {
    fn from(checked: Result<CertificateFile, Refutation>) -> Self {
        match checked {
            Ok(certificate) => Self {
                verified: Some(Verified {
                    label: certificate.label,
                    label_name: certificate.label_name,
                    radius_levels: certificate.radius.levels(certificate.scale),
                    method: certificate.method,
                    width: certificate.width,
                    height: certificate.height,
                    image: certificate.image,
                }),
                refuted: None,
            },
            Err(refutation) => Self {
                verified: None,
                refuted: Some(Refuted {
                    member: refutation.member(),
                    reason: refutation.to_string(),
                }),
            },
        }
    }
}
