import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { createToken } from '../server/acl/create-token.ts'
import { parseDurationOption } from './options.ts'
import { printResult, resultOption } from './output.ts'

export const aclFileOption = () =>
  new Option('--acl-file <file>', 'file of who may do what, read again when it changes').env(
    'MOORING_ACL_FILE',
  )

interface TokenFlags {
  readonly aclFile: string
  readonly name: string
  readonly policy: readonly string[]
  readonly management: boolean
  /** Milliseconds. */
  readonly ttl?: number
  readonly output: 'text' | 'json'
}

/** `mooring server token`: the tokens of the ACL file. */
export function serverTokenCommand(): Command {
  return new Command('token').description('Tokens of the ACL of mooring server.').addCommand(
    new Command('create')
      .summary('make a token and add it to the ACL file')
      .description(
        'Makes a token, adds it to the ACL file (which is made if it is not there) and prints its secret. The secret is ' +
          'stored nowhere: the file holds only its hash. A running server takes the token within a second or two.',
      )
      .addOption(aclFileOption().makeOptionMandatory())
      .requiredOption('--name <name>', 'what the token is for')
      .option(
        '--policy <name>',
        'a policy of the file; may be given more than once',
        (name: string, before: readonly string[]) => [...before, name],
        [],
      )
      .option('--management', 'let the token do everything', false)
      .addOption(
        new Option('--ttl <duration>', 'how long the token lasts; default: for ever').argParser(
          parseDurationOption,
        ),
      )
      .addOption(resultOption())
      .addHelpText(
        'after',
        `
Examples:
  mooring server token create --acl-file acl.json --name ci --policy read
  mooring server token create --acl-file acl.json --name me --management`,
      )
      .action(({ aclFile, name, policy, management, ttl, output }: TokenFlags) => {
        const { accessorID, secret } = createToken(
          {
            ...{ aclFile, name, policies: policy, isManagement: management },
            ...(ttl !== undefined && { ttlMs: ttl }),
          },
          systemClock.now(),
        )
        printResult(
          output,
          { accessorID, secretID: secret },
          `Accessor ID = ${accessorID}\nSecret ID   = ${secret}`,
        )
      }),
  )
}
