import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'

// `npm start`: everything on this machine, on the example declarations, in a git-ignored folder of its own.
const given = process.argv.slice(2)
const { values } = parseArgs({
  args: given,
  strict: false,
  options: { 'data-dir': { type: 'string', default: '.mooring' }, 'http-ui': { type: 'string' } },
})
const dataDirectory = String(values['data-dir'])
const pool = join(dataDirectory, 'pool')

if (!existsSync(pool)) {
  // One directory that was there before Mooring, with a file in it: the examples register it, take a
  // snapshot of it and restore that.
  const media = join(pool, 'volumes', 'shared-media')
  mkdirSync(media, { recursive: true })
  writeFileSync(join(media, 'hello.txt'), 'This file was here before Mooring.\n')
}
buildDashboard()

process.argv = [
  ...[process.execPath, 'mooring', 'up', 'manifests/examples', '--data-dir', dataDirectory],
  ...['--prune', '--prune-delay', '2s'],
  ...(values['http-ui'] === undefined ? ['--http-ui', `127.0.0.1:${await freePort(4680)}`] : []),
  ...given,
]
await import('../src/main.ts')

/** Builds the page in the browser where it is missing, or older than what it is made from. */
function buildDashboard(): void {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  if (scripts['dashboard:build'] === undefined) return
  const page = 'dashboard/dist/index.html'
  const builtMs = existsSync(page) ? statSync(page).mtimeMs : 0
  const isOlder = (file: string) => builtMs < statSync(file).mtimeMs
  const files = globSync(['dashboard/**', 'src/wire/dashboard/*', 'package-lock.json'], {
    exclude: ['dashboard/dist/**', 'dashboard/dist'],
  })
  if (builtMs > 0 && !files.some(isOlder)) return
  try {
    execFileSync('npm', ['run', '-s', 'dashboard:build'], { stdio: ['ignore', 'ignore', 'inherit'] })
  } catch {
    // The rest works without it, and what npm said stands above.
    process.stderr.write('the dashboard could not be built: run npm run dashboard:build\n')
  }
}

/** The port, or where something listens there already, 0 for any free one. */
function freePort(port: number): Promise<number> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(0))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)))
  })
}
