import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const repository = fileURLToPath(new URL('..', import.meta.url))
const mostTries = 20

/**
 * Builds the page into a directory. It is replaced as a whole: an operator that starts, or a copy that is made meanwhile,
 * finds a complete one.
 */
export async function buildDashboard(directory: string): Promise<void> {
  const made = mkdtempSync(join(repository, 'node_modules', '.dashboard-'))
  await buildInto(made)
  // Only its owner may read a temporary directory, and an image runs as another user.
  chmodSync(made, 0o755)
  const before = `${made}-before`
  for (let tries = 1; ; tries += 1) {
    if (existsSync(directory)) renameSync(directory, before)
    try {
      renameSync(made, directory)
      break
    } catch (error) {
      // Another build was there first. This one takes its place.
      if (tries === mostTries) throw error
    } finally {
      rmSync(before, { recursive: true, force: true })
    }
  }
}

/** Builds the page into an empty directory, as it is published, also where tests have named another environment. */
export async function buildInto(directory: string): Promise<void> {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    await build({
      configFile: join(repository, 'dashboard', 'vite.config.ts'),
      logLevel: 'warn',
      build: { outDir: directory, emptyOutDir: true },
    })
  } finally {
    if (before === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = before
  }
}

if (import.meta.main) await buildDashboard(join(repository, 'dashboard', 'dist'))
