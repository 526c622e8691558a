// An outside client of resumable uploads: tus-js-client as its authors publish it.
//
// Argument: JSON {endpoint, headers, file, metadata, store, chunk, cut, gate}. `store` is the file
// in which tus-js-client remembers what it began. With `cut` the process dies without a goodbye once
// so many bytes were sent; with `gate` it stops after so many bytes until the file `gate` exists.
import { createReadStream, existsSync, statSync } from "node:fs";
import * as tus from "tus-js-client";

const wanted = JSON.parse(process.argv[2]);
const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const pause = new Int32Array(new SharedArrayBuffer(4));
let first = -1;
let stopped = false;

const upload = new tus.Upload(createReadStream(wanted.file), {
  endpoint: wanted.endpoint,
  headers: wanted.headers,
  metadata: wanted.metadata,
  uploadSize: statSync(wanted.file).size,
  chunkSize: wanted.chunk || Infinity,
  retryDelays: [100, 200, 400, 800, 1600, 3200, 6400, 6400],
  urlStorage: new tus.FileUrlStorage(wanted.store),
  removeFingerprintOnSuccess: true,
  onAfterResponse(request, response) {
    const where = response.getHeader("Content-Location");
    if (where) tell({ piece: where });
  },
  onProgress(sent) {
    if (first < 0) first = sent;
    if (wanted.cut && sent >= wanted.cut) process.kill(process.pid, "SIGKILL");
  },
  onChunkComplete(size, accepted) {
    if (!wanted.gate || stopped || accepted < wanted.gate.after) return;
    stopped = true;
    tell({ stopped: accepted });
    while (!existsSync(wanted.gate.file)) Atomics.wait(pause, 0, 0, 50);
  },
  onError(error) {
    const answer = error.originalResponse;
    tell({ error: String(error), status: answer?.getStatus(), body: answer?.getBody() });
    process.exit(1);
  },
  onSuccess() {
    tell({ done: upload.url, from: first });
  },
});
const [previous] = await upload.findPreviousUploads();
if (previous) upload.resumeFromPreviousUpload(previous);
upload.start();
