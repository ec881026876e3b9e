# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
# The image has the toolchain already, so rust-toolchain.toml isn't copied: it would install components for developers.
COPY Cargo.toml Cargo.lock ./
# Cargo.toml names the benches, so they must exist.
COPY benches benches
COPY migrations migrations
COPY openapi openapi
COPY personas personas
COPY web web
COPY src src
# `dist` gives the fastest program, `release` the fastest build: --build-arg PROFILE=release.
ARG PROFILE=dist
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --bin al-chat --profile "$PROFILE" && cp "target/$PROFILE/al-chat" /al-chat

FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -qy --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* && \
    useradd --uid 10001 --no-create-home --home-dir /data al-chat && \
    install --directory --owner=al-chat --group=al-chat --mode=0700 /data
COPY --from=build /al-chat /usr/local/bin/al-chat
ENV SERVER_HOST=0.0.0.0 PORT=5000 DATABASE_URL=sqlite:////data/al-chat.db SESSION_LOG_DIR=/data/SessionLog
USER al-chat
WORKDIR /data
# The database and the session log.
VOLUME /data
EXPOSE 5000
# Bash speaks HTTP here, which saves installing a client.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --start-interval=1s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /api/health/ready HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
ENTRYPOINT ["al-chat"]
