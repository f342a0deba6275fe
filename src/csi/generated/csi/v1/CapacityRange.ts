// Original file: proto/csi.proto


/**
 * Zero means not given, for either bound.
 */
export interface CapacityRange {
  'requiredBytes'?: (number | bigint);
  'limitBytes'?: (number | bigint);
}

/**
 * Zero means not given, for either bound.
 */
export interface CapacityRange__Output {
  'requiredBytes': (bigint);
  'limitBytes': (bigint);
}
