import { presentExternalVolume } from '../../csi/present.ts'
import type { ExternalVolumesResponse } from '../../wire/volume.ts'
import type { ServerContext } from '../context.ts'
import { unprocessable } from '../errors.ts'
import { pluginFailure } from '../plugins/plugin-failure.ts'
import { listWording, type Page } from './snapshots.ts'

/**
 * List External: one page of the plugin's volumes, as many as it gave. (Nomad cuts a page that is longer
 * than asked for and loses the rest.) @throws ApiError
 */
export async function listExternalVolumes(
  { plugins }: ServerContext,
  pluginID: string,
  { perPage, nextToken }: Page,
): Promise<ExternalVolumesResponse> {
  const { record, client, call } = plugins.live(pluginID)
  if (!record.controller?.SupportsListVolumes) throw unprocessable('unimplemented for this plugin')
  try {
    const answer = await client.listVolumes({ maxEntries: perPage, startingToken: nextToken }, call)
    return {
      Volumes: answer.entries.flatMap(({ volume, status }) =>
        volume === null || volume.volumeId === '' ? [] : [presentExternalVolume(volume, status)],
      ),
      NextToken: answer.nextToken,
    }
  } catch (error) {
    throw pluginFailure(error, listWording('CSI.ControllerListVolumes'))
  }
}
