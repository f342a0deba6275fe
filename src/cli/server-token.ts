import { randomUUID } from 'node:crypto'
import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import { hashSecret, type Token, updateAclFile } from '../server/acl/acl-file.ts'
import { parseDurationOption } from './options.ts'

export const aclFileOption = () =>
  new Option('--acl-file <file>', 'who may do what, read again on change').env('MOORING_ACL_FILE')

interface TokenFlags {
  readonly aclFile: string
  readonly name: string
  readonly policy: readonly string[]
  readonly management: boolean
  /** Milliseconds. */
  readonly ttl?: number
}

/** `mooring server token`: the tokens of the ACL file. */
export function serverTokenCommand(): Command {
  return new Command('token').description('Tokens of the ACL of mooring server.').addCommand(
    new Command('create')
      .summary('make a token and add it to the ACL file')
      .description(
        'Makes a token, adds it to the ACL file (made if it is not there) and prints its secret, which is\n' +
          'stored nowhere: only its hash is. A running server takes the token within a second or two.',
      )
      .addOption(aclFileOption().makeOptionMandatory())
      .requiredOption('--name <name>', 'what the token is for')
      .option(
        '--policy <name>',
        'a policy of the file; repeatable',
        (name: string, before: readonly string[]) => [...before, name],
        [],
      )
      .option('--management', 'a token that may do everything', false)
      .addOption(
        new Option('--ttl <duration>', 'how long it lasts; default: for ever').argParser(parseDurationOption),
      )
      .action((flags: TokenFlags) => {
        const { accessorID, secret } = createToken(flags, systemClock.now())
        process.stdout.write(`Accessor ID = ${accessorID}\nSecret ID   = ${secret}\n`)
      }),
  )
}

/** @throws UsageError */
function createToken({ aclFile, name, policy, management, ttl }: TokenFlags, nowMs: number) {
  if (management === policy.length > 0) {
    throw new UsageError('give the token --policy, one or more, or --management')
  }
  const secret = randomUUID()
  const token: Token = {
    accessorID: randomUUID(),
    name,
    ...(management ? { type: 'management' } : { type: 'client', policies: [...policy] }),
    secretHash: hashSecret(secret),
    createTime: new Date(nowMs).toISOString(),
    ...(ttl !== undefined && { expirationTime: new Date(nowMs + ttl).toISOString() }),
  }
  updateAclFile(aclFile, ({ policies, tokens }) => {
    const unknown = policy.find((wanted) => !Object.hasOwn(policies, wanted))
    if (unknown !== undefined) {
      const known = Object.keys(policies).join(', ') || 'none'
      throw new UsageError(`${aclFile} has no policy "${unknown}" (it has: ${known})`)
    }
    return { policies, tokens: [...tokens, token] }
  })
  return { accessorID: token.accessorID, secret }
}
