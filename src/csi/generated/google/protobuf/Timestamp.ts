// Original file: null


export interface Timestamp {
  'seconds'?: (number | bigint);
  'nanos'?: (number);
}

export interface Timestamp__Output {
  'seconds': (bigint);
  'nanos': (number);
}
