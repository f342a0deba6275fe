import type { Model } from './find-violation.ts'

/** What is asked of one volume. Every value of `register` is another. */
export type VolumeInput =
  | { readonly type: 'register'; readonly value: string }
  | { readonly type: 'read' }
  | { readonly type: 'claim' }
  | { readonly type: 'release'; readonly claim: string }
  | { readonly type: 'deregister' }
  | { readonly type: 'delete' }
  /** The server was killed, and what nobody was told of is undone at its next start. */
  | { readonly type: 'restart' }

export interface VolumeOutput {
  readonly status: number
  /** Of a read that found the volume. */
  readonly seen?: { readonly value: string; readonly claim: string | undefined }
  /** Of a claim that was granted. */
  readonly claim?: string
}

/** undefined: it is not there. */
export type VolumeState =
  | undefined
  | {
      readonly value: string
      /** `id` undefined: nobody has seen its ID yet. `isTold`: whoever took it got its answer. */
      readonly claim: undefined | { readonly id: string | undefined; readonly isTold: boolean }
    }

const unchanged = (state: VolumeState, isRight: boolean) => (isRight ? [state] : [])

/** One volume with a single writer, one operation at a time: docs/volumes-api.md in small. */
export const volumeModel: Model<VolumeState, VolumeInput, VolumeOutput> = {
  initial: undefined,
  describe: (state) => JSON.stringify(state ?? null),
  step(state, input, output) {
    // Nobody knows how it ended: it was not done, or done in some right way.
    if (output === undefined) return [state, ...effects(state, input, undefined)]
    const isRefused = output.status === 409
    switch (input.type) {
      case 'restart':
        return state?.claim?.isTold === false ? [state, { ...state, claim: undefined }] : [state]
      case 'read':
        return read(state, output)
      case 'register':
        return output.status === 200 ? effects(state, input, output) : []
      case 'claim':
        if (output.status === 404) return unchanged(state, state === undefined)
        return isRefused ? unchanged(state, state?.claim !== undefined) : effects(state, input, output)
      case 'release':
        if (output.status === 404) return unchanged(state, !mayBe(state?.claim, input.claim))
        return output.status === 200 ? effects(state, input, output) : []
      case 'deregister':
      case 'delete':
        if (output.status === 404) return unchanged(state, state === undefined)
        if (isRefused) return unchanged(state, state?.claim !== undefined)
        return output.status === 200 ? effects(state, input, output) : []
    }
  },
}

/** The states after it was done; none: it cannot have been. */
function effects(state: VolumeState, input: VolumeInput, output: VolumeOutput | undefined): VolumeState[] {
  switch (input.type) {
    case 'register':
      return [{ value: input.value, claim: state?.claim }]
    case 'claim':
      if (state === undefined || state.claim !== undefined) return []
      return [{ ...state, claim: { id: output?.claim, isTold: output !== undefined } }]
    case 'release':
      return state !== undefined && mayBe(state.claim, input.claim) ? [{ ...state, claim: undefined }] : []
    case 'deregister':
    case 'delete':
      return state !== undefined && state.claim === undefined ? [undefined] : []
    default:
      return []
  }
}

function read(state: VolumeState, { status, seen }: VolumeOutput): VolumeState[] {
  if (status === 404) return state === undefined ? [undefined] : []
  if (state === undefined || seen?.value !== state.value) return []
  if (seen.claim === undefined) return state.claim === undefined ? [state] : []
  if (!mayBe(state.claim, seen.claim)) return []
  return [{ ...state, claim: { id: seen.claim, isTold: state.claim?.isTold ?? true } }]
}

const mayBe = (claim: NonNullable<VolumeState>['claim'], id: string) =>
  claim !== undefined && (claim.id === undefined || claim.id === id)
