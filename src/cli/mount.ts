import { resolve } from 'node:path'
import { Command } from 'commander'
import type { NomadConnection } from '../nomad/connection.ts'
import { callApi } from './nomad-call.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { printResult, resultOption } from './output.ts'
import { namespaceOption } from './target.ts'

interface MountFlags extends NomadConnection {
  readonly namespace: string
  readonly readOnly?: boolean
  readonly output: 'text' | 'json'
}

/** `mooring mount`: claims a volume on the server's machine, until it is unmounted. */
export function mountCommand(): Command {
  const command = new Command('mount')
    .description(
      'Claims a volume and publishes it at a path beneath the --mount-root of mooring server, on the machine of the ' +
        'server. Returns when the path can be used. The claim lasts until mooring unmount, and outlives restarts.',
    )
    .argument('<volume>', 'ID of the volume')
    .argument('<path>', 'path to mount it at')
    .option('--read-only', 'claim the volume for reading only')
    .addOption(namespaceOption())
    .addOption(resultOption())
  for (const option of nomadConnectionOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring mount postgres-data /srv/mounts/data
  mooring mount postgres-data /srv/mounts/look --read-only -n prod`,
    )
    .action(async (volume: string, path: string, flags: MountFlags) => {
      const targetPath = resolve(path)
      await callApi(flags, flags.namespace, {
        title: `mount volume "${volume}"`,
        method: 'PUT',
        path: `/volume/csi/${encodeURIComponent(volume)}/claim`,
        body: { TargetPath: targetPath, ReadOnly: flags.readOnly === true },
      })
      printResult(flags.output, { volume, path: targetPath }, `${volume} is mounted at ${targetPath}`)
    })
}
