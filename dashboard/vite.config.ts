import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { serveFixture } from './fixture/serve-fixture.ts'

/** `build.ts` says where it is built into. `vite` alone serves it over the fixture, without an operator. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    // The Content-Security-Policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  plugins: [serveFixture()],
})
