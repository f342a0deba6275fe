import { createHash } from 'node:crypto'
import { join } from 'node:path'
import process from 'node:process'
import type { Clock } from '../../lib/clock.ts'
import { UsageError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { openTogether } from '../../lib/open-together.ts'
import { parseDeclarations } from '../declare/parse-declarations.ts'
import type { StoreSecret } from '../declare/secret-reference.ts'
import { limitDeclarations, type SourceLimits } from '../declare/source-limits.ts'
import type { Variables } from '../declare/variables.ts'
import { realName } from './file-names.ts'
import { createFileSource } from './files.ts'
import { createGitSource, type GitSource } from './git.ts'
import { guessGitAddress, isGitAddress, parseGitAddress } from './git-address.ts'
import { prepareSigners } from './git-signers.ts'
import type { ParseFile, Source } from './source.ts'
import { startWebhook } from './webhook.ts'

export interface SourceSettings {
  /** Folders, files and Git addresses, as a person gave them. No two have the same name. */
  readonly places: readonly string[]
  /** The values of variables in YAML declarations. */
  readonly variables: Variables
  /** What sources may use, by their places; one that is not here may use everything. */
  readonly limits?: ReadonlyMap<string, SourceLimits>
  /** The pause between two looks at a repository. */
  readonly gitPollMs: number
  /** With one of these two, a commit counts only with a good signature by one of the keys. */
  readonly allowedSignersFile?: string
  readonly keyringFile?: string
}

/** The webhook that Git hosts call after a push. */
export interface WebhookSettings {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly secret: string
}

export interface OpenSources {
  readonly sources: readonly Source[]
  close(): Promise<void>
}

/** Leaves out user and password, but not the user of ssh. */
function withoutPassword(address: string): string {
  return address
    .replace(/^(git\+https?:\/\/)[^/@]*@/i, '$1')
    .replace(/^(git\+ssh:\/\/[^/@:]*):[^/@]*@/i, '$1@')
}

/** The name of a source: a Git address without its password; the real absolute path of a folder or file. */
export function sourceName(place: string): string {
  if (isGitAddress(place)) return parseGitAddress(place).name
  const meant = guessGitAddress(place)
  // Its text may hold a password, so it is not repeated.
  if (meant !== undefined)
    throw new UsageError(
      `a source is the address of a Git repository without git+ before it: write ${withoutPassword(meant)}`,
    )
  return realName(place)
}

/**
 * Opens folders, files and Git repositories, and the webhook for pushes.
 * @throws UsageError where a file with signers cannot be used, or the webhook cannot listen
 */
export function openSources(options: {
  readonly settings: SourceSettings
  readonly webhook?: WebhookSettings
  /** The folder for the copies of repositories. */
  readonly gitDirectory: string
  /** The folder for the copies of an operator beside which this one only looks. */
  readonly earlierGitDirectory?: string
  /** Stores the secrets in files of Nomad's own format. */
  readonly storeSecret: StoreSecret
  readonly clock: Clock
  readonly log: Log
}): Promise<OpenSources> {
  const { settings, gitDirectory, earlierGitDirectory, clock, log } = options
  return openTogether(async (adopt) => {
    const parseAll = createParse(settings.variables, options.storeSecret)
    const signers = await prepareSignersOf(settings, gitDirectory)
    const repositories: GitSource[] = []

    function parserFor(place: string): ParseFile {
      const limits = settings.limits?.get(place)
      if (limits === undefined) return parseAll
      return (text, origin) => limitDeclarations(parseAll(text, origin), limits)
    }

    function open(place: string): Source {
      const parse = parserFor(place)
      if (!isGitAddress(place)) return createFileSource({ path: place, clock, log, parse })
      const address = parseGitAddress(place)
      const copy = createHash('sha256').update(address.name).digest('hex').slice(0, 16)
      const repository = createGitSource({
        address,
        directory: join(gitDirectory, copy),
        ...(earlierGitDirectory === undefined ? {} : { earlier: join(earlierGitDirectory, copy) }),
        pollMs: settings.gitPollMs,
        environment: process.env,
        clock,
        log,
        parse,
        ...(signers === undefined ? {} : { signers }),
      })
      repositories.push(repository)
      return repository
    }

    const sources = settings.places.map((place) => adopt(open(place)))
    if (options.webhook !== undefined) {
      const onPush = () => repositories.forEach((repository) => void repository.wake())
      const { url } = adopt(await startWebhook({ ...options.webhook, log, onPush }))
      log.info({ url }, 'webhook listens')
    }
    return { sources }
  })
}

/** parseDeclarations with the variables and secrets of this process. */
export function createParse(variables: Variables, storeSecret?: StoreSecret): ParseFile {
  return (text, origin) =>
    parseDeclarations(text, origin, { variables, ...(storeSecret === undefined ? {} : { storeSecret }) })
}

async function prepareSignersOf({ allowedSignersFile, keyringFile }: SourceSettings, directory: string) {
  if (allowedSignersFile === undefined && keyringFile === undefined) return undefined
  return prepareSigners({
    directory,
    ...(allowedSignersFile === undefined ? {} : { allowedSignersFile }),
    ...(keyringFile === undefined ? {} : { keyringFile }),
  })
}
