#!/usr/bin/env node
// The command. It keeps to syntax that old releases of Node parse: they run it as far as the newer Node that
// `npm ci` brought, or as far as the sentence that says what to do.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path) => new URL(`../${path}`, import.meta.url)
const newerNode = fileURLToPath(at('node_modules/node/bin/node'))

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // A clone has the sources, which Node runs as they are. The published package has what was built of them.
  const source = at('src/main.ts')
  await import(existsSync(source) ? source : at('dist/main.js'))
} else if (existsSync(newerNode)) {
  const child = spawn(newerNode, [...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' })
  // Ctrl-C reaches both. What is sent to this process alone is passed on.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
} else {
  await import('./require-node-24.js')
}
