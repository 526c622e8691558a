// Builds what browsers load: one style sheet, one script, a sprite of the icons in use, fonts.
//
// Reads passerelle/assets and passerelle/templates; writes passerelle/static, which is never
// committed. Run by `npm run build`.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const gateway = dirname(here);
const root = dirname(gateway);
const modules = join(root, "node_modules");
const italia = join(modules, "bootstrap-italia");
// The oldest engines with color-mix(), which derives the shades of a city colour.
const BROWSERS = ["chrome111", "firefox113", "safari16.2"];
const finished = join(gateway, "static");
const target = join(gateway, `.static-${process.pid}`);

function fresh() {
  mkdirSync(join(target, "polices"), { recursive: true });
}

function fonts() {
  for (const face of ["300", "regular", "600", "700"]) {
    const name = `titillium-web-v10-latin-ext_latin-${face}.woff2`;
    cpSync(join(italia, "dist/fonts/Titillium_Web", name), join(target, "polices", name));
  }
  cpSync(join(italia, "dist/fonts/Titillium_Web/OFL.txt"), join(target, "polices/OFL.txt"));
}

async function styles() {
  const compiled = sass.compile(join(here, "scss/portail.scss"), {
    loadPaths: [join(italia, "src/scss"), modules],
    style: "compressed",
    // bootstrap-italia still uses @import and global functions; its authors know.
    silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
    quietDeps: true,
  });
  // The content policy of the pages allows no image but files of ours.
  if (compiled.css.includes("url(\"data:") || compiled.css.includes("url(data:"))
    throw new Error("the style sheet holds a data: image, which browsers would refuse");
  const { code } = await esbuild.transform(compiled.css, { loader: "css", minify: true, target: BROWSERS });
  writeFileSync(join(target, "portail.css"), code);
}

async function scripts() {
  await esbuild.build({
    // The second one is loaded by the pages that send files, and by no other; the third is the
    // worker that finds proofs of work.
    entryPoints: ["portail.js", "depot.js", "preuve-ouvrier.js"].map((name) => join(here, "js", name)),
    outdir: target,
    bundle: true,
    format: "iife",
    legalComments: "none",
    minify: true,
    nodePaths: [modules],
    target: BROWSERS,
  });
}

function* templates(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* templates(path);
    else if (/\.(html|py)$/.test(entry.name)) yield readFileSync(path, "utf8");
  }
}

// The package's sprite is 94 kB; a page needs some thirty of its icons. A template names them
// whole ("it-user"), so that this search finds every one.
function sprite() {
  const wanted = new Set();
  for (const folder of ["templates", "portail", "agents"])
    for (const text of templates(join(gateway, folder)))
      for (const [, name] of text.matchAll(/["'](it-[a-z-]+)["']/g)) wanted.add(name);
  const all = readFileSync(join(italia, "dist/svg/sprites.svg"), "utf8");
  const symbols = [...all.matchAll(/<symbol id="([^"]+)".*?<\/symbol>/gs)];
  const kept = symbols.filter(([, name]) => wanted.has(name));
  const missing = [...wanted].filter((name) => !kept.some(([, found]) => found === name));
  if (missing.length) throw new Error(`no such icon in bootstrap-italia: ${missing.join(", ")}`);
  const body = kept.map(([symbol]) => symbol).join("");
  writeFileSync(join(target, "icones.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${body}</svg>`);
}

function pictures() {
  cpSync(join(here, "images"), join(target, "images"), { recursive: true });
}

// The templates add the digest to the address, so that browsers may keep a file for ever.
function manifest() {
  const digests = {};
  for (const name of ["portail.css", "portail.js", "depot.js", "preuve-ouvrier.js", "icones.svg"])
    digests[name] = createHash("sha256").update(readFileSync(join(target, name))).digest("hex").slice(0, 12);
  writeFileSync(join(target, "manifest.json"), JSON.stringify(digests));
}

// A gateway that runs meanwhile must not serve half a folder.
function swap() {
  const old = join(gateway, `.static-old-${process.pid}`);
  if (existsSync(finished)) renameSync(finished, old);
  renameSync(target, finished);
  rmSync(old, { recursive: true, force: true });
}

process.on("exit", () => rmSync(target, { recursive: true, force: true }));
fresh();
fonts();
pictures();
await styles();
await scripts();
sprite();
manifest();
swap();
