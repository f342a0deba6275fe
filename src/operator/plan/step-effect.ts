import type { Declaration } from '../declare/declaration.ts'
import type { StepName } from './decision.ts'
import type { InventoryRecord } from './record.ts'

/**
 * What a step may do to data:
 * - `none`: nothing;
 * - `copies`: copies it, and the original stays;
 * - `in use`: changes a volume that allocations claim;
 * - `destroys data`: destroys it, or prepares that.
 */
export type DataRisk = 'none' | 'copies' | 'in use' | 'destroys data'

/** What a step does, for the sign before it in `mooring plan`. */
export type StepEffect = 'make' | 'change' | 'take over' | 'end'

interface Effect {
  readonly effect: StepEffect
  readonly risk: (record: InventoryRecord) => DataRisk
}

const none = () => 'none' as const
const copies = () => 'copies' as const
const destroys = () => 'destroys data' as const
const ifInUse = ({ status }: InventoryRecord) => ((status.claims ?? []).length > 0 ? 'in use' : 'none')

/** The type requires every step to name its risk. */
const effects: Readonly<Record<StepName, Effect>> = {
  'create-volume': {
    effect: 'make',
    risk: ({ declaration }) =>
      declaration.kind === 'Volume' && declaration.spec.source !== undefined ? 'copies' : 'none',
  },
  'register-volume': { effect: 'make', risk: none },
  'update-volume': { effect: 'change', risk: ifInUse },
  'expand-volume': { effect: 'change', risk: ifInUse },
  'adopt-volume': { effect: 'take over', risk: none },
  // The data that it gives up is already lost.
  'recreate-volume': { effect: 'change', risk: none },
  'begin-restore': { effect: 'change', risk: none },
  // The replaced volume leaves Nomad; its data stays.
  'deregister-replaced': { effect: 'change', risk: none },
  'restore-volume': { effect: 'make', risk: copies },
  'adopt-restored': { effect: 'take over', risk: none },
  'undo-restore': { effect: 'change', risk: none },
  'end-restore': { effect: 'change', risk: none },
  // Nothing on the node is alive, by proof or by a person's confirmation.
  'detach-node': { effect: 'change', risk: () => 'in use' },
  'forget-detach-order': { effect: 'change', risk: none },
  'forget-recreate-order': { effect: 'change', risk: none },
  'deregister-volume': {
    effect: 'end',
    risk: ({ declaration }) =>
      declaration.kind === 'Volume' && declaration.spec.deletionPolicy === 'Delete'
        ? 'destroys data'
        : 'none',
  },
  'register-tombstone': { effect: 'end', risk: destroys },
  'cancel-end': { effect: 'change', risk: none },
  'delete-volume': { effect: 'end', risk: destroys },
  'create-snapshot': { effect: 'make', risk: copies },
  'adopt-snapshot': { effect: 'take over', risk: none },
  'delete-snapshot': { effect: 'end', risk: destroys },
  'note-missing': { effect: 'change', risk: none },
  'start-snapshot': { effect: 'make', risk: copies },
  'miss-run': { effect: 'change', risk: none },
  'take-final-snapshot': { effect: 'make', risk: copies },
  'expire-snapshot': { effect: 'end', risk: destroys },
  'create-host-volume': { effect: 'make', risk: none },
  'adopt-host-volume': { effect: 'take over', risk: none },
  'expand-host-volume': { effect: 'change', risk: none },
  // The data that it gives up is already lost.
  'recreate-host-volume': { effect: 'change', risk: none },
  'delete-host-volume': { effect: 'end', risk: destroys },
  release: { effect: 'end', risk: none },
}

/** What the end of a declaration does to its data, once nothing holds it up. */
export function riskOfEnd({ kind, spec }: Declaration): DataRisk {
  return kind !== 'SnapshotSchedule' && spec.deletionPolicy === 'Delete' && !spec.suspend
    ? 'destroys data'
    : 'none'
}

/** @param record as the pass that planned the step stored it: its status has the claims */
export function effectOf(step: StepName, record: InventoryRecord): { effect: StepEffect; risk: DataRisk } {
  const { effect, risk } = effects[step]
  return { effect, risk: risk(record) }
}
