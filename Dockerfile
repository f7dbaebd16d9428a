# The frontend's own image: three static programs and nothing else.
#
#   docker build -t org/pyfrontend:1 .
#
# Behind a proxy that replaces certificates:
#   docker build --secret id=ca-bundle,src=/path/to/ca.pem …
ARG GO_IMAGE=golang:1.26-bookworm

# uv comes from its wheel, verified by hash: the daemon fetches it.
FROM scratch AS uv-amd64
ADD --checksum=sha256:2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25 https://files.pythonhosted.org/packages/fe/fe/794884de0efd3ac77a427cab21aa72c0483e100c55a42cd5cbb02c141b84/uv-0.13.9-py3-none-musllinux_1_1_x86_64.whl /uv.whl
FROM scratch AS uv-arm64
ADD --checksum=sha256:5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe https://files.pythonhosted.org/packages/57/15/94b6cd62ac3ff6550288328e8035288875197cbc183f51554b266a69877b/uv-0.13.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl /uv.whl
FROM uv-${TARGETARCH} AS uv

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
ARG GOPROXY
COPY go.mod go.sum ./
RUN --mount=type=secret,id=ca-bundle,target=/run/ca-bundle.pem \
    --mount=type=cache,target=/go/pkg/mod \
    if [ -s /run/ca-bundle.pem ]; then export SSL_CERT_FILE=/run/ca-bundle.pem; fi; \
    go mod download
COPY frontend frontend
COPY llbgen llbgen
COPY hack/unwheel hack/unwheel
ARG TARGETARCH
# The step's bytes are in the key of users' caches: nothing that changes from
# build to build may get into it.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    --mount=from=uv,target=/run/uv \
    mkdir -p -m 1777 /out/tmp && \
    GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o /out/pyfrontend ./frontend/cmd/pyfrontend && \
    GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o /out/pyfrontend-step ./frontend/cmd/pyfrontend-step && \
    go run ./hack/unwheel /run/uv/uv.whl uv /out/uv

FROM scratch
COPY --from=build /out/ /
LABEL moby.buildkit.frontend.network.none="true" \
      moby.buildkit.frontend.caps="moby.buildkit.frontend.inputs,moby.buildkit.frontend.contexts,moby.buildkit.frontend.contexts.zstd,moby.buildkit.frontend.gitquerystring" \
      org.opencontainers.image.title="pyfrontend" \
      org.opencontainers.image.description="A BuildKit frontend for Python projects"
ENTRYPOINT ["/pyfrontend"]
