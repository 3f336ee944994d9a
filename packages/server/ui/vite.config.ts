import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./", // wherever a proxy mounts it: the server writes where that is into index.html
  plugins: [react(), withoutRareLetters(), chunksByPage(), zipped()],
  build: {
    license: { fileName: "third-party/licenses.md" },
    outDir: "../src/trailmark_server/_ui",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
    cssCodeSplit: false, // 10 KB in all: one file instead of a wait per page
    rolldownOptions: {
      output: {
        // Few files: each one more is a wait more. What pages share comes with the first script.
        codeSplitting: {
          groups: [
            {
              name: "shared",
              test: /node_modules\/(react|scheduler|wouter|@tanstack)|src\/(ui\/|api\/useTrace\.|render\/Code|pages\/trace\/traceState)/,
              priority: 2,
            },
            {
              name: "trace",
              test: /src\/(pages\/(trace|scores)|render)\/(?!MarkdownView|highlight|markdown)/,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:7171" } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});

/** Tells boot.js which files a page is made of, so that they come beside the first script and not after it. */
function chunksByPage(): Plugin {
  return {
    name: "chunks-by-page",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((one) => one.type === "chunk");
        const pages: Record<string, string[]> = {};
        for (const { fileName, imports, moduleIds } of chunks) {
          for (const page of ["Trace", "Traces"])
            if (moduleIds.some((id) => id.endsWith(`/${page}Page.tsx`)))
              pages[page.toLowerCase()] = [fileName, ...imports].filter((file) => !html.includes(file));
        }
        return [
          {
            tag: "meta",
            attrs: { name: "trailmark-chunks", content: JSON.stringify(pages) },
            injectTo: "head-prepend",
          },
        ];
      },
    },
  };
}

/** Old Slavic and polytonic Greek come from the system's own fonts: their files are not shipped. */
function withoutRareLetters(): Plugin {
  return {
    name: "without-rare-letters",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("@fontsource-variable")) return;
      return code.replace(/\/\* \S+-(cyrillic|greek)-ext-\S+ \*\/\s*@font-face \{[^}]*\}/g, "");
    },
  };
}

/** A `.gz` beside each script and style, so that the server compresses nothing. */
function zipped(): Plugin {
  return {
    name: "zipped",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        for (const [fileName, one] of Object.entries(bundle)) {
          if (!/\.(js|css)$/.test(fileName)) continue;
          const source = gzipSync(one.type === "chunk" ? one.code : one.source, { level: 9 });
          this.emitFile({ type: "asset", fileName: `${fileName}.gz`, source });
        }
      },
    },
  };
}
