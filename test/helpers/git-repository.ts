import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The user's git without the user's settings, and without anybody else's identity. */
export const gitEnvironment = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
}

/** A repository to push to, and a working copy of it, beneath `directory`. */
export function createUpstream(directory: string, objectFormat: 'sha1' | 'sha256' = 'sha1') {
  const bare = join(directory, 'upstream.git')
  const work = join(directory, 'work')
  const git = (...parameters: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...parameters], {
      cwd: work,
      env: gitEnvironment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  mkdirSync(work)
  const format = `--object-format=${objectFormat}`
  git('init', '--quiet', '--bare', '--initial-branch=main', format, bare)
  git('init', '--quiet', '--initial-branch=main', format)
  git('remote', 'add', 'origin', bare)
  return {
    url: `git+file://${bare}`,
    bare,
    git,
    write(file: string, text: string | Uint8Array) {
      mkdirSync(dirname(join(work, file)), { recursive: true })
      writeFileSync(join(work, file), text)
    },
    remove: (file: string) => rmSync(join(work, file), { recursive: true }),
    link: (target: string, file: string) => symlinkSync(target, join(work, file)),
    /** Commits all there is and pushes it; the commit's full hash. */
    push(...parameters: string[]): string {
      git('add', '--all')
      git('commit', '--quiet', '--allow-empty', '--message', 'change', ...parameters)
      git('push', '--quiet', '--force', 'origin', 'HEAD')
      return git('rev-parse', 'HEAD')
    },
  }
}
