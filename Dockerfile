# docker build --tag registry.example/mooring:0.1.0 .

# What is published is built with the digest as well: --build-arg BASE=node:24-slim@sha256:…
ARG BASE=node:24-slim

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# No package needs its install script here: Node is the image's own.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY scripts scripts
COPY src src
COPY dashboard dashboard
RUN npm run build

FROM ${BASE} AS dependencies
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM ${BASE}
# git and ssh for sources in Git repositories; tini reaps what git leaves, and passes signals on.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git openssh-client tini \
 && rm -rf /var/lib/apt/lists/* \
 # ssh refuses a user that it finds no name for.
 && useradd --uid 65532 --user-group --no-create-home --home-dir /var/lib/mooring --shell /usr/sbin/nologin mooring \
 && install --directory --owner=65532 --group=65532 --mode=0700 /var/lib/mooring
WORKDIR /opt/mooring
COPY --from=dependencies /src/node_modules node_modules
COPY --from=build /src/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY proto proto
COPY manifests manifests
# So that `kubectl exec` finds it.
RUN ln -s /opt/mooring/bin/mooring.js /usr/local/bin/mooring
# In MiB. Below a GiB of memory V8 takes 1, and the collector half as much time again as all the rest.
ENV NODE_OPTIONS=--max-semi-space-size=8
ENV NODE_ENV=production HOME=/var/lib/mooring MOORING_DATA_DIR=/var/lib/mooring
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/bin/tini", "--", "node", "/opt/mooring/bin/mooring.js"]
CMD ["--help"]
