import { hasCapability } from '../../plan/plugin-gate.ts'
import type { VolumeContext } from '../../plan/record.ts'
import { newVolumeRequest } from '../../plan/volume-request.ts'
import {
  identityOf,
  recordedExternalID,
  secretsField,
  type VolumeStep,
  type VolumeStepInput,
} from '../volume-seen.ts'

/** Registers an existing external volume. A repeat changes nothing. */
export const registerVolume: VolumeStep = {
  async act(input) {
    const { record, seen } = input
    const externalID = recordedExternalID(record)
    await registerExternal(input, { csiName: record.csiName, externalID, context: record.context })
    return { ...record, externalID, applied: seen.hashes }
  },
}

/** Registers an external volume under the declared ID. */
export async function registerExternal(
  input: VolumeStepInput,
  external: {
    readonly csiName: string
    readonly externalID: string
    readonly context: VolumeContext | undefined
  },
): Promise<void> {
  const { context, record, seen, signal } = input
  const { context: recorded, ...names } = external
  const { spec } = record.declaration
  const { RequestedCapacityMin: min, ...request } = newVolumeRequest(spec, {
    ...names,
    ...(recorded === undefined ? {} : { context: recorded }),
  })
  // A register says nothing of the size. Without a list only an expand shows whether it is as large as it must be, and
  // what Nomad has not been asked for is asked for next. Of a volume that a person made, the person knows.
  const isSizeUnknown =
    spec.externalID === undefined &&
    hasCapability(seen.plugin, 'SupportsExpand') &&
    !hasCapability(seen.plugin, 'SupportsListVolumes')
  const size = min === undefined || isSizeUnknown ? {} : { RequestedCapacityMin: min }
  try {
    await context.api.registerVolume({ ...request, ...size, ...secretsField(input) }, signal)
  } finally {
    context.observer.invalidate({ volume: identityOf(record) })
  }
}
