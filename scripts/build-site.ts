import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// `npm run site:build`: the pages as a searchable site. Its tools have a lock of their own.
const site = fileURLToPath(new URL('../site', import.meta.url))
const run = (...parameters: string[]) =>
  execFileSync('npm', parameters, {
    cwd: site,
    encoding: 'utf8',
    env: { ...process.env, ASTRO_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })

run('ci')
const log = run('run', 'build')
process.stdout.write(log)
const warnings = log.split('\n').filter((line) => /\[WARN\]|\[ERROR\]/.test(line))
if (warnings.length > 0) throw new Error(`the site is built with warnings:\n${warnings.join('\n')}`)
