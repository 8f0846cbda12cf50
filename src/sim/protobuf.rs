//! protobuf
use super::refusal::Refusal;
use serde_json::Value;
pub(crate) fn decode(_: &[u8]) -> Result<Value, Refusal> {
    Err(Refusal::unsupported_media("protobuf"))
}
