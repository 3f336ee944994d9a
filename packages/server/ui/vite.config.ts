import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./", // wherever a proxy mounts it: the server writes where that is into index.html
  plugins: [react()],
  build: {
    license: { fileName: "third-party/licenses.md" },
    outDir: "../src/trailmark_server/_ui",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
  },
  server: { proxy: { "/api": "http://127.0.0.1:7171" } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
