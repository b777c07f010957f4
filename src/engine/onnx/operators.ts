/**
 * Operators of ONNX's default domain that a graph may use: arithmetic, comparison, tensors' shapes, layers of networks, and `If`. Left out is
 * what can run without end (`Loop`, `Scan`), what draws random numbers (the engine's seeds would mean nothing), text, images and sequences.
 */
const GROUPS = {
  arithmetic:
    'Abs Acos Acosh Add Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Ceil Clip Cos Cosh CumSum Div Einsum Erf Exp ' +
    'Floor Gemm Log MatMul Max Mean Min Mod Mul Neg Pow Reciprocal Round Sign Sin Sinh Sqrt Sub Sum Tan Tanh',
  comparison: 'And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Where Xor',
  reduction:
    'ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare TopK',
  shape:
    'Cast CastLike Compress Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather GatherElements GatherND Identity ' +
    'NonZero OneHot Pad Range Reshape ReverseSequence ScatterElements ScatterND Shape Size Slice SpaceToDepth Split Squeeze Tile Transpose ' +
    'Trilu Unique Unsqueeze',
  layers:
    'Attention AveragePool BatchNormalization Celu Conv ConvTranspose DFT Dropout Elu GRU Gelu GlobalAveragePool GlobalMaxPool ' +
    'GroupNormalization HardSigmoid HardSwish Hardmax InstanceNormalization LRN LSTM LayerNormalization LeakyRelu LogSoftmax LpNormalization ' +
    'LpPool MaxPool MeanVarianceNormalization Mish PRelu RMSNormalization RNN Relu Resize RotaryEmbedding STFT Selu Shrink Sigmoid ' +
    'Softmax Softplus Softsign Swish ThresholdedRelu',
  quantised: 'ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul QuantizeLinear',
  flow: 'If',
} as const;

export const ALLOWED_OPERATORS: ReadonlySet<string> = new Set(Object.values(GROUPS).flatMap((names) => names.split(' ')));
