import { secretValue } from '../operator-process.ts'
import type { Checker } from './checker.ts'
import {
  aCancelledEndDeletesNothing,
  noDetachUnderAWriter,
  noDiskInUseIsDeleted,
  nothingIsDestroyedUnasked,
  nothingIsWiped,
  noVolumeInUseIsForgotten,
  snapshotsEndByOrder,
  theFinalSnapshotIsOfThisLife,
} from './ends.ts'
import { newLifeIsBlank, oneDiskForOneVolume, oneVolumeForOneDisk, snapshotsAreNew } from './lives.ts'
import { objectCheckers } from './objects.ts'
import { nothingRunsTwice, nothingSpins, onlyTheHolderActs, suspendedMeansNothing } from './pace.ts'

const noSecretIsShown: Checker = {
  rule: '7: no secret in a log, status, error or the inventory',
  judge: (happened) =>
    happened.type === 'text shown' && happened.text.includes(secretValue)
      ? `a secret stands in the ${happened.where}`
      : undefined,
}

/** One for each sentence that can be judged while a history goes on. */
export const checkers: readonly Checker[] = [
  oneDiskForOneVolume,
  oneVolumeForOneDisk,
  nothingIsDestroyedUnasked,
  noDiskInUseIsDeleted,
  noVolumeInUseIsForgotten,
  aCancelledEndDeletesNothing,
  noDetachUnderAWriter,
  nothingIsWiped,
  noSecretIsShown,
  newLifeIsBlank,
  snapshotsAreNew,
  theFinalSnapshotIsOfThisLife,
  snapshotsEndByOrder,
  nothingSpins,
  nothingRunsTwice,
  onlyTheHolderActs,
  suspendedMeansNothing,
  ...objectCheckers,
]
