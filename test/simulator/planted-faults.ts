import type { PlantedText } from './hooks.ts'

/** A fault as Mooring had one, or as every operator of its kind has had one. */
export interface PlantedFault extends PlantedText {
  /** A sentence that says what is wrong with it. */
  readonly name: string
}

export const plantedFaults: readonly PlantedFault[] = [
  {
    name: 'the effect comes before the intent is stored',
    file: 'operator/reconcile/pass.ts',
    text: 'if (intended !== before) await inventory.put(managedPart(intended))',
    replacement: 'if (intended !== before) void inventory.put(managedPart(intended))',
  },
  {
    name: 'a key that is added while it is processed is forgotten',
    file: 'operator/engine/key-queue.ts',
    text: "if (after?.type === 'running' && after.addedMeanwhile) add(key, after.addedMeanwhile)",
    replacement: '',
  },
  {
    name: 'a date that leapt ahead is taken for time that passed',
    file: 'operator/plan/schedule-plan.ts',
    text: 'const leap = findLeap(record, now)',
    replacement: 'const leap = undefined',
  },
  {
    name: 'a name is used for a second life',
    file: 'operator/plan/record.ts',
    text: 'return before.length === 0 ? 0 : Math.max(...before) + 1',
    replacement: 'return 0',
  },
]
