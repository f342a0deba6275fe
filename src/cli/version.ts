import process from 'node:process'
import { Command } from 'commander'
import { packageVersion } from '../lib/version.ts'
import { outputOption, printJSON } from './output.ts'

/** `mooring version`. */
export function versionCommand(): Command {
  return new Command('version')
    .description('Prints the version of Mooring, and of the Node that runs it.')
    .addOption(outputOption('text', 'json'))
    .addHelpText('after', '\nExamples:\n  mooring version\n  mooring version -o json')
    .action(({ output }: { output: 'text' | 'json' }) => {
      const version = { mooring: packageVersion(), node: process.versions.node }
      if (output === 'json') printJSON(version)
      else process.stdout.write(`mooring ${version.mooring} (Node ${version.node})\n`)
    })
}
