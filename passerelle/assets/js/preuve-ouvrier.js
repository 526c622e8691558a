// Finds the proof of work of a challenge: a number whose SHA-256, after the challenge, starts with
// enough zero bits. It runs beside the page, which stays quick under the fingers. crypto.subtle
// would answer each try by a promise, ten times slower than these lines.
const K = new Uint32Array(64);
const START = new Uint32Array(8);

function fraction(value) {
  return ((value - Math.floor(value)) * 4294967296) >>> 0;
}

function constants() {
  let found = 0;
  for (let candidate = 2; found < 64; candidate++) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor++)
      if (candidate % divisor === 0) prime = false;
    if (!prime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(candidate));
    K[found++] = fraction(Math.cbrt(candidate));
  }
}

const w = new Uint32Array(64);

function compress(state, block, offset) {
  for (let i = 0; i < 16; i++) {
    const at = offset + i * 4;
    w[i] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function padded(bytes) {
  const length = bytes.length;
  const whole = new Uint8Array(((length + 8) >> 6 << 6) + 64);
  whole.set(bytes);
  whole[length] = 0x80;
  new DataView(whole.buffer).setUint32(whole.length - 4, length * 8);
  return whole;
}

function search(challenge, bits) {
  const encoder = new TextEncoder();
  const prefix = encoder.encode(`${challenge}:`);
  // The blocks that no try changes are digested once.
  const fixed = prefix.length >> 6 << 6;
  const begun = START.slice();
  for (let at = 0; at < fixed; at += 64) compress(begun, prefix, at);
  const expected = 2 ** bits;
  for (let count = 0; ; count++) {
    const digits = encoder.encode(String(count));
    const message = new Uint8Array(prefix.length + digits.length);
    message.set(prefix);
    message.set(digits, prefix.length);
    const blocks = padded(message);
    const state = begun.slice();
    for (let at = fixed; at < blocks.length; at += 64) compress(state, blocks, at);
    if (Math.clz32(state[0]) >= bits) {
      postMessage({ preuve: String(count) });
      return;
    }
    // The chance that it would be found by now: it never goes back, and never lies by 100 %.
    if (count % 8192 === 8191) postMessage({ avance: 100 * (1 - Math.exp(-count / expected)) });
  }
}

constants();
onmessage = (event) => search(event.data.defi, event.data.bits);
