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
  const { context, record, signal } = input
  const { context: recorded, ...names } = external
  const request = newVolumeRequest(record.declaration.spec, {
    ...names,
    ...(recorded === undefined ? {} : { context: recorded }),
  })
  try {
    await context.api.registerVolume({ ...request, ...secretsField(input) }, signal)
  } finally {
    context.observer.invalidate({ volume: identityOf(record) })
  }
}
