import { resolve } from 'node:path'
import { Command } from 'commander'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { UsageError } from '../lib/errors.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import { callApi } from './nomad-call.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { printResult, resultOption } from './output.ts'

const Claims = Type.Array(
  Type.Object({ ID: Type.String(), Namespace: Type.String(), VolumeID: Type.String() }),
)

interface UnmountFlags extends NomadConnection {
  readonly output: 'text' | 'json'
}

/** `mooring unmount`: ends the claim that holds a path. */
export function unmountCommand(): Command {
  const command = new Command('unmount')
    .description('Unpublishes the volume at a path and ends its claim. Returns when both are done.')
    .argument('<path>', 'path that the volume is mounted at')
  for (const option of [resultOption(), ...nomadConnectionOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring unmount /srv/mounts/data
  mooring unmount /srv/mounts/data -o json`,
    )
    .action(async (path: string, flags: UnmountFlags) => {
      const targetPath = resolve(path)
      const answer = await callApi(flags, '*', {
        title: 'find the claim',
        method: 'GET',
        path: '/claims',
        query: { target_path: targetPath },
      })
      const [claim] = Value.Parse(Claims, answer)
      if (claim === undefined)
        throw new UsageError(
          `no volume is mounted at ${targetPath}: write the path that mooring mount was given`,
        )
      const { ID, Namespace, VolumeID } = claim
      await callApi(flags, Namespace, {
        title: `unmount volume "${VolumeID}"`,
        method: 'DELETE',
        path: `/volume/csi/${encodeURIComponent(VolumeID)}/claim/${ID}`,
      })
      printResult(
        flags.output,
        { volume: VolumeID, path: targetPath },
        `${VolumeID} is unmounted from ${targetPath}`,
      )
    })
}
