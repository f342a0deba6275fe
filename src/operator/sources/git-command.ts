import { execFile } from 'node:child_process'
import { devNull } from 'node:os'
import { promisify } from 'node:util'
import { type SimpleGit, simpleGit } from 'simple-git'
import { errorCode } from '../../lib/errors.ts'

export interface GitCommandOptions {
  /** A bare repository. */
  readonly directory: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** More environment variables for git, and settings as `name=value`. */
  readonly variables?: Readonly<Record<string, string>>
  readonly config?: readonly string[]
  /** The standard input of the command. */
  readonly input?: string
  readonly signal?: AbortSignal
}

/** A command without output for so long is ended. */
const silenceMs = 60_000

/** The user's own settings apply (credential helpers, proxies, CAs), except those that would run something here. */
const settings = [
  `core.hooksPath=${devNull}`,
  'fetch.recurseSubmodules=false',
  'transfer.bundleURI=false',
  // Garbage is collected in the foreground, not during the next command.
  'gc.autoDetach=false',
  'maintenance.autoDetach=false',
  'gc.pruneExpire=now',
]

/**
 * Whether git gets a variable of this process: those by which the user reaches repositories, but not git's other ones, which
 * may name another repository, and not those that are for this process only.
 */
function isInherited(name: string): boolean {
  if (/^GIT_/.test(name))
    return /^GIT_(?:ASKPASS|SSH|SSH_COMMAND|SSH_VARIANT|SSL_\w+|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM))$/.test(
      name,
    )
  return !/^(?:MOORING_|NOMAD_TOKEN$|EDITOR$|VISUAL$|PAGER$|PREFIX$)/i.test(name)
}

function variablesFor(options: GitCommandOptions): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(Object.entries(options.environment).filter(([name]) => isInherited(name))),
    ...options.variables,
    GIT_DIR: options.directory,
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: options.environment.GIT_SSH_COMMAND ?? 'ssh -oBatchMode=yes',
    LC_ALL: 'C',
  }
}

/**
 * Runs one local command of git, with the same settings, for its output as bytes.
 * @param limits it rejects where the output is larger
 */
export async function readGit(
  options: GitCommandOptions,
  parameters: readonly string[],
  limits: { readonly maxBytes: number; readonly maxLines: number },
): Promise<Buffer> {
  const config = [...settings, ...(options.config ?? [])].flatMap((setting) => ['-c', setting])
  try {
    const { stdout } = await promisify(execFile)('git', [...config, ...parameters], {
      cwd: options.directory,
      env: variablesFor(options) as NodeJS.ProcessEnv,
      encoding: 'buffer',
      maxBuffer: limits.maxBytes,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    if (countLines(stdout) > limits.maxLines) throw new Error(tooManyFiles)
    return stdout
  } catch (error) {
    if (errorCode(error) !== 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') throw error
    throw new Error(tooManyFiles, { cause: error })
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf('\n'); at >= 0; at = bytes.indexOf('\n', at + 1)) lines++
  return lines
}

const tooManyFiles = 'the commit has too many files: read a folder of it (#branch:path) that has fewer'

/**
 * Runs the user's git on one bare repository. Nothing is ever checked out, so links, filters, submodules and attributes of a
 * hostile repository do nothing. Hooks are off, and no command asks for input. A command that does not exit with 0 rejects.
 */
export function createGit(options: GitCommandOptions): SimpleGit {
  const variables = variablesFor(options)
  return simpleGit({
    baseDir: options.directory,
    config: [...settings, ...(options.config ?? [])],
    // By default a process counts as ended 50 ms after its exit, even if its output was not read.
    completion: { onClose: true, onExit: false },
    timeout: { block: silenceMs },
    // By default a failure without output, such as that of verify-commit, counts as a success.
    errors: (error, { exitCode, stdErr }) => {
      if (exitCode === 0) return undefined
      return error ?? Buffer.concat([Buffer.from(`exit status ${exitCode}\n`), ...stdErr])
    },
    allowEnvironment: Object.keys(variables),
    // Only this file and the user set these.
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

/** Lines by which git, or the git at the other end, shows its progress. */
const progress =
  /^(?:remote: )?(?:Enumerating|Counting|Compressing|Receiving|Resolving|Unpacking|Writing|Total|Updating|Checking|From|Fetching|POST)\b/

/** Git's own text about a failure, on one line: the cause first, and no progress. */
export function explainGitFailure(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (/spawn git ENOENT/.test(text)) return 'git is not installed, or not on PATH: install it'
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !progress.test(line))
  const isCause = (line: string) => /^(?:fatal|error|ssh|Host key|Permission)/i.test(line)
  const telling = [...lines.filter(isCause), ...lines.filter((line) => /^remote:/.test(line))]
  const shown = telling.length > 0 ? telling : lines
  return (shown.length > 0 ? shown.join('; ') : 'git failed and said nothing').slice(0, 500)
}

/** Whether a failure says that the copy on this machine is damaged, and not that the repository cannot be reached. */
export function isDamage(error: unknown): boolean {
  const text = (error instanceof Error ? error.message : String(error)).replace(/^remote: .*$/gm, '')
  return /corrupt|bad object|not a git repository|loose object|packfile|pack has|bad config|invalid object|missing (?:blob|tree|commit|object)|object file .* is empty|unable to read|reference broken|bad tree|could not (?:get object info|parse object)|not a valid object|inflate|broken ref|Not a valid object name/i.test(
    text,
  )
}
