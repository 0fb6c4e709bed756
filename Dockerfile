# One image for all services and jobs: `docker run modiste serve itemcf`. Targets: runtime (the default), dev, gpu, tfjs-gpu, and runtime-prepared and
# dev-prepared, which take as their context a tree that `npm run image` has made and need no network. The prepared ones come first: Docker's old builder
# runs every stage up to its target. No digest of the base is given here, since none was at hand to check: pin yours by `--build-arg BASE=node:...@sha256:...`.
ARG BASE=node:24-bookworm-slim
# Of the targets for cards alone: runtimes of CUDA with cuDNN on a glibc no older than the base's, and the newest Node that TensorFlow.js runs on.
ARG CUDA_BASE=nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04
ARG TFJS_CUDA_BASE=nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04
ARG TFJS_NODE=node:22-bookworm-slim

# What is the same for both: who runs, where, how it starts and stops.
FROM ${BASE} AS plain
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="modiste" \
      org.opencontainers.image.description="A recommender for shops: a fleet of small gRPC services." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production MODISTE_HOME=/var/lib/modiste
WORKDIR /app
# Nobody of any base: no name, no shell, owner of nothing in the image. /tmp and /var/lib/modiste are mounted.
USER 65532:65532
STOPSIGNAL SIGTERM
# Orchestrators ask gRPC and /readyz; compose.yaml says its own.
HEALTHCHECK NONE

FROM plain AS prepared
COPY app /app
# An empty folder, given to who runs: new volumes take owner and mode from it.
COPY --chown=65532:65532 home /var/lib/modiste
COPY --chown=65532:65532 home /releases

FROM prepared AS runtime-prepared
ENTRYPOINT ["node", "/app/services/cli/main.js"]

# Sources belong to who runs: live updates write them as that user.
FROM plain AS dev-prepared
COPY --chown=65532:65532 app /app
COPY --chown=65532:65532 home /var/lib/modiste
COPY --chown=65532:65532 home /releases
ENTRYPOINT ["node", "--import", "tsx", "/app/services/cli/main.ts"]

# The trees from the registry, where the build has a network. Packages' own scripts do not run: what is used brings its binaries.
FROM ${BASE} AS trees
ARG SOURCE_DATE_EPOCH=0
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
WORKDIR /src
COPY package.json package-lock.json ./
# Not `npm ci`: it refuses a lockfile made where the registry lacks some platforms of optional packages.
RUN npm install --ignore-scripts --no-audit --no-fund
COPY . .
RUN node --import tsx scripts/image/make-trees.ts

# For cards, on NVIDIA's runtime with CUDA 12 and cuDNN 9. Their bases are not at hand where this is tested: the stages are written to the documents of
# onnxruntime-node and tfjs-node-gpu, and the packages' own scripts fetch the libraries, so they need a network.
FROM trees AS onnx-cuda
RUN ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js \
 && cp -r node_modules/onnxruntime-node/bin/. .image/runtime/app/node_modules/onnxruntime-node/bin/ \
 && cd .image/runtime/app/node_modules/onnxruntime-node/bin/napi-v* && rm -rf darwin win32 linux/arm64

FROM ${CUDA_BASE} AS gpu
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="modiste-gpu" \
      org.opencontainers.image.description="modiste with ONNX Runtime's CUDA provider, for ranking." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production MODISTE_HOME=/var/lib/modiste MODISTE_RANKING_DEVICE=cuda NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /app
COPY --from=trees /usr/local/bin/node /usr/local/bin/node
COPY --from=onnx-cuda /src/.image/runtime/app /app
COPY --from=onnx-cuda --chown=65532:65532 /src/.image/runtime/home /var/lib/modiste
COPY --from=onnx-cuda --chown=65532:65532 /src/.image/runtime/home /releases
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK NONE
ENTRYPOINT ["node", "/app/services/cli/main.js"]

# tfjs-node 4.22 runs on Node 22 at most; its TensorFlow 2.9 wants CUDA 11 with cuDNN 8.
FROM ${TFJS_NODE} AS tfjs-packages
WORKDIR /tfjs
RUN npm install --no-audit --no-fund @tensorflow/tfjs-node-gpu@4.22.0

FROM ${TFJS_CUDA_BASE} AS tfjs-gpu
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="modiste-tfjs-gpu" \
      org.opencontainers.image.description="modiste with TensorFlow.js on CUDA, for ranking." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production MODISTE_HOME=/var/lib/modiste MODISTE_RANKING_DEVICE=tfjs-gpu NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /app
COPY --from=tfjs-packages /usr/local/bin/node /usr/local/bin/node
# Above the tree: its own packages stay as they were locked, and TensorFlow's find their other versions beside them.
COPY --from=tfjs-packages /tfjs/node_modules /node_modules
COPY --from=trees /src/.image/runtime/app /app
COPY --from=trees --chown=65532:65532 /src/.image/runtime/home /var/lib/modiste
COPY --from=trees --chown=65532:65532 /src/.image/runtime/home /releases
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK NONE
ENTRYPOINT ["node", "/app/services/cli/main.js"]

FROM plain AS dev
COPY --from=trees --chown=65532:65532 /src/.image/dev/app /app
COPY --from=trees --chown=65532:65532 /src/.image/dev/home /var/lib/modiste
COPY --from=trees --chown=65532:65532 /src/.image/dev/home /releases
ENTRYPOINT ["node", "--import", "tsx", "/app/services/cli/main.ts"]

FROM plain AS runtime
COPY --from=trees /src/.image/runtime/app /app
COPY --from=trees --chown=65532:65532 /src/.image/runtime/home /var/lib/modiste
COPY --from=trees --chown=65532:65532 /src/.image/runtime/home /releases
ENTRYPOINT ["node", "/app/services/cli/main.js"]
