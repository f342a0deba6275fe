import { devNull } from 'node:os'
import { type SimpleGit, simpleGit } from 'simple-git'

export interface GitCommandOptions {
  /** A bare repository. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** More variables for git, and settings as `name=value`. */
  readonly variables?: Readonly<Record<string, string>>
  readonly config?: readonly string[]
  /** Given to the command's standard input. */
  readonly input?: string
  readonly signal?: AbortSignal
}

/** A command that says nothing for this long is ended. */
const silenceMs = 60_000

/** The user's own settings hold (credential helpers, proxies, CAs), apart from what would run something here. */
const settings = [
  `core.hooksPath=${devNull}`,
  'fetch.recurseSubmodules=false',
  'transfer.bundleURI=false',
  // Garbage is collected before the next command, never behind its back.
  'gc.autoDetach=false',
  'maintenance.autoDetach=false',
  'gc.pruneExpire=now',
]

/**
 * How the user reaches their repositories goes on to git; of git's other variables, which may name another
 * repository, and of what this process alone is told, nothing does.
 */
function isInherited(name: string): boolean {
  if (/^GIT_/.test(name))
    return /^GIT_(?:ASKPASS|SSH|SSH_COMMAND|SSH_VARIANT|SSL_\w+|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM))$/.test(
      name,
    )
  return !/^(?:MOORING_|NOMAD_TOKEN$|EDITOR$|VISUAL$|PAGER$|PREFIX$)/i.test(name)
}

/**
 * The user's git, on one bare repository. Nothing is ever checked out, so that links, filters, submodules
 * and attributes of a hostile repository have nothing to work on; hooks are switched off; no command asks
 * anybody anything. A command that exits with another status than 0 rejects.
 */
export function createGit(options: GitCommandOptions): SimpleGit {
  const variables = {
    ...Object.fromEntries(Object.entries(options.environment).filter(([name]) => isInherited(name))),
    ...options.variables,
    GIT_DIR: options.directory,
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: options.environment.GIT_SSH_COMMAND ?? 'ssh -oBatchMode=yes',
    LC_ALL: 'C',
  }
  return simpleGit({
    baseDir: options.directory,
    config: [...settings, ...(options.config ?? [])],
    // The default takes a process for ended 50 ms after its exit, whether or not its output was read.
    completion: { onClose: true, onExit: false },
    timeout: { block: silenceMs },
    // The default takes a failure that says nothing, such as that of verify-commit, for a success.
    errors: (error, { exitCode, stdErr }) => {
      if (exitCode === 0) return undefined
      return error ?? Buffer.concat([Buffer.from(`exit status ${exitCode}\n`), ...stdErr])
    },
    allowEnvironment: Object.keys(variables),
    // All of these are set here or by the user, and by nobody else.
    unsafe: {
      allowUnsafeAskPass: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeHooksPath: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeSshCommand: true,
      allowUnsafeTemplateDir: true,
    },
    ...(options.input === undefined ? {} : { input: () => options.input }),
    ...(options.signal === undefined ? {} : { abort: options.signal }),
  }).env(variables)
}

/** What git said of a failure, on one line, without its progress. */
export function explainGitFailure(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const telling = lines.filter((line) => /^(?:fatal|error|remote|ssh|Host key|Permission)/i.test(line))
  return (telling.length > 0 ? telling : lines).join('; ').slice(0, 500)
}
