//! The client of a collector.

use std::time::Duration;

use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry_proto::{
    tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    transform::{common::tonic::ResourceAttributesWithSchema, trace::tonic::group_spans_by_resource_and_scope},
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::timeout;
use url::Url;
use uuid::Uuid;

use super::failure::ExportFailure;
use crate::foundation::{
    config,
    http_client::{Client, ReadFailure, cause, read_rest},
    secret::ServerUrl,
    trace::attributes,
};

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// The client of a collector. Its settings may hold secrets, so it has no `Debug`.
pub(super) struct Collector {
    url: ServerUrl,
    headers: HeaderMap,
    timeout: Duration,
    resource: ResourceAttributesWithSchema,
    client: Client,
}

impl Collector {
    pub(super) fn new(settings: &config::Traces, instance: Uuid, client: Client) -> Self {
        let mut headers = settings.headers.clone();
        headers.insert(CONTENT_TYPE, PROTOBUF);
        let described = settings.resource.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let own = [
            KeyValue::new(attributes::SERVICE_NAME, settings.service_name.clone()),
            KeyValue::new(attributes::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
            KeyValue::new(attributes::SERVICE_INSTANCE, instance.to_string()),
        ];
        // What the operator says comes last, and so replaces the service's own.
        let resource = Resource::builder_empty().with_attributes(own).with_attributes(described).build();
        let (url, timeout) = (settings.endpoint.clone(), settings.timeout);
        Self { url, headers, timeout, resource: (&resource).into(), client }
    }

    /// Returns the address.
    pub(super) fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Posts spans. Returns the number of those that the collector has rejected.
    pub(super) async fn post(&self, batch: Vec<SpanData>) -> Result<u64, ExportFailure> {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = Bytes::from(ExportTraceServiceRequest { resource_spans }.encode_to_vec());
        let answer = timeout(self.timeout, self.call(body)).await;
        let answer = answer.map_err(|_| ExportFailure::Timeout(self.timeout))??;
        let answer = ExportTraceServiceResponse::decode(answer.as_slice());
        let partial = answer.map_err(|_| ExportFailure::NotUnderstood)?.partial_success;
        Ok(partial.map_or(0, |partial| partial.rejected_spans.max(0).unsigned_abs()))
    }

    async fn call(&self, body: Bytes) -> Result<Vec<u8>, ExportFailure> {
        let request = |client: &reqwest::Client| {
            client.post(Url::clone(&self.url)).headers(self.headers.clone()).body(body.clone())
        };
        let failed = |error: &reqwest::Error| ExportFailure::Connection(cause(error));
        let response = self.client.send(request).await.map_err(|error| failed(&error))?;
        if !response.status().is_success() {
            return Err(ExportFailure::of_status(response.status()));
        }
        read_rest(Vec::new(), response, MAX_ANSWER, None).await.map_err(|failure| match failure {
            ReadFailure::TooLarge | ReadFailure::Idle => ExportFailure::NotUnderstood,
            ReadFailure::Lost(error) => failed(&error),
        })
    }
}
