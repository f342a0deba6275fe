import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { systemClock } from '../lib/clock.ts'
import { errorMessage, UsageError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { parseDeclarations } from './declare/parse-declarations.ts'
import type { SecretKeeper } from './declare/secret-reference.ts'
import { isVariableName, type Variables } from './declare/variables.ts'
import type { SourceFlags, VariableFlags } from './settings.ts'
import { createFileSource } from './sources/files.ts'
import { createGitSource, type GitSource } from './sources/git.ts'
import { isGitAddress, parseGitAddress } from './sources/git-address.ts'
import { prepareSigners } from './sources/git-signers.ts'
import type { ParseFile, Source } from './sources/source.ts'
import { startWebhook } from './sources/webhook.ts'

export interface OpenSources {
  readonly sources: readonly Source[]
  /** Where Git hosts call; undefined: nowhere. */
  readonly webhookURL: string | undefined
  close(): Promise<void>
}

/** What a person may see of a source as it was given: a Git address without its password. */
export function sourceName(place: string): string {
  return isGitAddress(place) ? parseGitAddress(place).name : place
}

/**
 * Opens folders, files and Git repositories by their flags, and the webhook that wakes the repositories.
 * @param dataDirectory keeps the copies of the repositories
 * @throws UsageError for flags that go not together, and files named by flags that cannot be read
 */
export async function openSources(
  flags: SourceFlags & { readonly source: readonly string[] },
  options: { readonly dataDirectory: string; readonly keepSecret: SecretKeeper; readonly log: Log },
): Promise<OpenSources> {
  const { dataDirectory, log } = options
  const parse = createParse(flags, options.keepSecret)
  const gitDirectory = join(dataDirectory, 'git')
  const repositories: GitSource[] = []
  const sources: Source[] = []
  const addresses = flags.source.filter(isGitAddress).map(parseGitAddress)
  const names = flags.source.map(sourceName)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw new UsageError(`${repeated} is given twice as a source: give it once`)
  const secret = readWebhookSecret(flags, addresses.length)

  const { gitAllowedSigners, gitKeyring } = flags
  const signers =
    gitAllowedSigners === undefined && gitKeyring === undefined
      ? undefined
      : await prepareSigners({
          directory: gitDirectory,
          ...(gitAllowedSigners === undefined ? {} : { allowedSignersFile: gitAllowedSigners }),
          ...(gitKeyring === undefined ? {} : { keyringFile: gitKeyring }),
        })
  for (const place of flags.source) {
    if (!isGitAddress(place)) {
      sources.push(createFileSource({ path: place, clock: systemClock, log, parse }))
      continue
    }
    const address = parseGitAddress(place)
    const repository = createGitSource({
      address,
      directory: join(gitDirectory, createHash('sha256').update(address.name).digest('hex').slice(0, 16)),
      pollMs: flags.gitPoll,
      environment: process.env,
      clock: systemClock,
      log,
      parse,
      ...(signers === undefined ? {} : { signers }),
    })
    repositories.push(repository)
    sources.push(repository)
  }

  const webhook =
    flags.webhook === undefined || secret === undefined
      ? undefined
      : await startWebhook({
          ...flags.webhook,
          secret,
          log,
          onPush: () => repositories.forEach((repository) => void repository.wake()),
        })
  return {
    sources,
    webhookURL: webhook?.url,
    async close() {
      await webhook?.close()
      await Promise.all(sources.map((source) => source.close()))
    },
  }
}

/** parseDeclarations with the variables and secrets of this process. */
export function createParse(flags: VariableFlags, keepSecret?: SecretKeeper): ParseFile {
  const variables = readVariables(flags)
  return (text, origin) =>
    parseDeclarations(text, origin, { variables, ...(keepSecret === undefined ? {} : { keepSecret }) })
}

/** `--var` goes before `--var-file`. */
function readVariables({ var: given, varFile }: VariableFlags): Variables {
  if (varFile === undefined) return given ?? new Map()
  const fromFile = Object.entries(parseEnv(readNamedFile(varFile, '--var-file')))
  const wrong = fromFile.find(([name]) => !isVariableName(name))
  if (wrong !== undefined)
    throw new UsageError(`${varFile}: ${JSON.stringify(wrong[0])} is no name of letters, digits and _`)
  return new Map([
    ...fromFile.map(([name, value]): [string, string] => [name, value ?? '']),
    ...(given ?? []),
  ])
}

function readWebhookSecret(flags: SourceFlags, repositories: number): string | undefined {
  const { webhook, webhookSecretFile } = flags
  if (webhook === undefined && webhookSecretFile === undefined) return undefined
  if (webhook === undefined || webhookSecretFile === undefined) {
    throw new UsageError('--webhook and --webhook-secret-file go together: give both')
  }
  if (repositories === 0) throw new UsageError('--webhook wakes Git repositories, and no source is one')
  const secret = readNamedFile(webhookSecretFile, '--webhook-secret-file').trim()
  if (secret === '') throw new UsageError(`${webhookSecretFile} is empty: write the webhook's secret into it`)
  return secret
}

function readNamedFile(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${flag}: ${errorMessage(error)}`, { cause: error })
  }
}
