#ifndef CSEGKERNELS_H
#define CSEGKERNELS_H

/// Inner loops on NHWC float32 data: products with packed matrices, transforms, windows, functions.
///
/// Every kernel is one body in kernels.inc, compiled once per instruction set (kernels_*.c) and reached through one table,
/// chosen once at start. Extents and strides are counted in floats; nothing here allocates, locks or keeps state.

/// Pointwise functions of one variable; `a`, `b` and `c` are the function's parameters.
enum seg_function {
  SEG_IDENTITY,
  SEG_RELU,
  SEG_CLIP,          ///< min(max(x, a), b)
  SEG_LEAKY_RELU,    ///< x > 0 ? x : a x
  SEG_ELU,           ///< x > 0 ? x : a (e^x - 1)
  SEG_GELU_ERF,      ///< x (1 + erf(x / sqrt 2)) / 2
  SEG_GELU_TANH,     ///< x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  SEG_SILU,          ///< x sigmoid(x)
  SEG_HARD_SIGMOID,  ///< min(max(a x + b, 0), 1)
  SEG_HARD_SWISH,    ///< x min(max(x / 6 + 1 / 2, 0), 1)
  SEG_SIGMOID,
  SEG_TANH,
  SEG_SOFTPLUS,      ///< log(1 + e^(a x)) / a, and x where a x > b
  SEG_EXP,
  SEG_LOG,
  SEG_SQRT,
  SEG_ABS,
  SEG_NEGATE,
  SEG_RECIPROCAL,
  SEG_ERF,
  SEG_QUANTIZE       ///< round(min(max(x / a, b), c)) a, ties to even; b and c whole numbers up to 2^22
};

/// Functions of two variables.
enum seg_operation {
  SEG_ADD,
  SEG_SUBTRACT,
  SEG_MULTIPLY,
  SEG_DIVIDE,
  SEG_MAXIMUM,
  SEG_MINIMUM,
  SEG_POWER
};

enum seg_reduction { SEG_SUM, SEG_MAX, SEG_MIN, SEG_PRODUCT, SEG_SUM_OF_SQUARES };

/// A window that slides over one image: how convolution and pooling walk their input.
typedef struct {
  long input_height, input_width;
  long pixel_stride;  ///< floats from one input pixel to the next
  long kernel_height, kernel_width;
  long stride_height, stride_width;
  long dilation_height, dilation_width;
  long padding_top, padding_left, padding_bottom, padding_right;
  long output_width;
  /// Rows of the memory of which the image is a part: row r lies at r modulo this. 0 where every row has its own place.
  long ring_rows;
} seg_window;

/// The most rows of a kernel that `depthwise` takes.
#define SEG_DEPTHWISE_ROWS 64

/// What is done with a sum before it is stored: y[r][c] = f(sum scale[c] + shift[c] + residual[r][c]). A part whose pointer is null is left
/// out.
typedef struct {
  const float *scale;     ///< may be null
  const float *shift;     ///< may be null: a bias
  const float *residual;  ///< may be null
  long residual_stride;   ///< floats from one row of the residual to the next
  int function;           ///< a seg_function
  float parameter_a, parameter_b, parameter_c;
} seg_epilogue;

/// Where the rows of a result go.
typedef struct {
  float *y;
  long stride;  ///< floats from one row to the next
  /// Rows that lie `stride` apart before the next such group begins, group_stride behind this one; 0 where all do.
  long group_rows, group_stride;
} seg_destination;

/// Floats that are prefetched, one after another.
typedef struct {
  const float *first;
  long count;
  long is_written;  ///< whether they will be written
} seg_prefetch_run;

/// Runs of floats that are prefetched into the core's second-level cache, a few cache lines at a time while products are computed. All at
/// once would take the fill buffers that the products' own operands need.
typedef struct {
  const seg_prefetch_run *runs;
  long run_count;
  long lines;      ///< cache lines that are prefetched at a time
  long run, line;  ///< the next one
} seg_prefetch_list;

/// A product of rows with a constant matrix: the sums Σ over t, c of rows[t][r][c] B[t depth + c][o], with an epilogue.
///
/// B is packed in panels of `panel_width` columns, one after another, each `[taps · depth][width]`; the last is as wide as its
/// columns take whole registers, zeros behind them. The result is not the memory of the residual.
///
/// With two terms a word, each float of the rows and of B is a word of two bfloat16 whose products are added: depth, strides and offsets count
/// words. All else is float32.
typedef struct {
  long row_count;
  long word_terms;        ///< 1, or 2 for pairs of bfloat16
  long taps, depth;
  /// Where rows lie: `[taps][row_count]` pointers, or null where row r of tap t is a + r a_stride + t depth.
  const float *const *rows;
  const float *a;
  long a_stride;
  /// The pointer in `rows` that stands for a row of zeros; taps at which all of a block's rows are that are left out.
  const float *padding;
  long row_offset;        ///< floats from where `rows` point to the first that is read
  const float *panels;
  long columns;
  int accumulates;        ///< whether the sums begin with what the result holds
  seg_epilogue epilogue;
  seg_destination result;
  seg_prefetch_list *prefetches;       ///< prefetched along with each block of rows; may be null
} seg_product;

/// Products of planes of rows with a matrix each, that lie at constant distances, of some rows of each plane.
typedef struct {
  seg_product product;  ///< of the first plane, from its first row on; its row count is not read
  long count;
  const long *rows;     ///< [count][2]: the first row that takes part, and how many do
  long a_plane, panel_plane, y_plane;  ///< floats from a plane to the next
  const seg_prefetch_run *prefetches;  ///< what is prefetched meanwhile
  long prefetch_count;
} seg_plane_products;

/// The end of a product by Strassen's algorithm: the quarters of the result from its seven products, `[7][rows][columns]`, with an epilogue.
typedef struct {
  long rows;     ///< rows of a half
  long lower;    ///< rows from one of the upper half to its counterpart: `rows`, or one less where the halves share a row
  long columns;  ///< columns of a half that are computed, whole registers
  long right;    ///< columns from one of the left half to its counterpart
  const float *products;
  seg_epilogue epilogue;
  seg_destination result;
} seg_strassen;

/// Winograd's filtering along one axis, of a whole tile or of a smaller one at an edge, with three taps or two. Where its points are 0, ±a_i,
/// ∞, n = 2 pairs + 2 and m = n + 1 - taps, and the transforms are computed in halves; else pairs is 0 and they are products with the
/// matrices. A smaller tile's points are those of as many pairs and ∞.
typedef struct {
  long pairs;   ///< 0, 1, 2 or 3
  long reads;   ///< pixels of a tile of inputs
  long taps;    ///< 2 or 3
  float input_matrix[5][5];   ///< [n][reads], where pairs is 0
  float output_matrix[3][5];  ///< [m][n], where pairs is 0
  float filter_matrix[8][3];  ///< [n][taps], of whole tiles
  float points[3];     ///< a_i
  float whole[3];      ///< Π over b of (x² − a_b²), coefficients of x^0, x^2, … below the leading 1
  float others[3][2];  ///< the same without the factor of a_i
  float first;         ///< of point 0 in output 0: 1 for whole tiles
  float powers[3][7];  ///< of point a_i in each output: its powers for whole tiles
} seg_winograd_axis;

/// Winograd's filtering of tiles with n evaluation points along each axis.
typedef struct {
  const seg_winograd_axis *axes;  ///< whole tiles, then smaller ones
  long points_count;              ///< n of whole tiles
  long input_height, input_width, output_height, output_width;
  long input_channels, output_channels;  ///< each at least a register's width
  long row_step, column_step;            ///< pixels from one input of a tile to the next: the dilation
  long output_row_step, output_column_step;  ///< pixels from one output of a tile to the next
  long x_stride;                         ///< floats from one pixel of the image to the next
  long input_plane, output_plane;        ///< floats from one of the n · n planes to the next
  long word_terms;                       ///< 1, or 2 where `winograd_input` stores pairs of bfloat16; then channels are even
} seg_winograd;

/// The gradient at rows of f((x - mean) inv_deviation weight + bias), a normalisation with a function: what its sums and its result take.
typedef struct {
  const float *dy;
  long dy_stride;
  const float *x;
  long x_stride;
  const float *mean;            ///< of each channel
  const float *scale, *shift;   ///< the function is applied to x scale[c] + shift[c]
  int function;                 ///< a seg_function
  float parameter_a, parameter_b;
} seg_normalization;

/// A step of gradient descent with momentum: d = g scale + decay w; m' = momentum m + d; w' = w - rate m', with Nesterov's momentum
/// w - rate (d + momentum m').
typedef struct {
  float rate, momentum, decay, scale;
  int nesterov;
} seg_momentum;

/// A step of Adam: d = g scale; m' = beta1 m + complement1 d; v' = beta2 v + complement2 d²; w' = kept w - step m' / (√v' root + epsilon).
/// A step of Lion: w' = kept w - step sign(beta1 m + complement1 d); m' = beta2 m + complement2 d.
typedef struct {
  float beta1, beta2, complement1, complement2, scale, kept, step, root, epsilon;
} seg_adam;
/// Sums of outer products over pixels, by which the gradient of a convolution's weights is computed:
/// S[i][o] = Σ over r, c of x[r x_row + c x_stride + i] y[r y_row + c y_stride + o].
typedef struct {
  const float *x;
  long x_stride, x_row;  ///< floats from a pixel to the next, and from a row of pixels to the next
  const float *y;
  long y_stride, y_row;
  long rows, columns;    ///< rows of pixels, and pixels of each
  long inputs, outputs;  ///< outputs are whole registers
  float *sums;
  long sum_stride;       ///< floats from S[i] to S[i + 1]
  /// Inputs that lie `sum_stride` apart before the next such run begins, run_stride behind this one.
  long run, run_stride;
  int accumulates;       ///< whether the sums are added to what is there
} seg_outer_products;

/// The most taps of a kernel that `depthwise_gradient` takes.
#define SEG_DEPTHWISE_GRADIENT_TAPS 128

typedef struct {
  const char *instruction_set;
  long vector_width;  ///< floats a register
  long panel_width;   ///< columns of a panel of `product`
  int has_bfloat16_products;  ///< whether products of bfloat16 are faster than those of float32

  void (*product)(const seg_product *product);
  void (*plane_products)(const seg_plane_products *products);

  /// Sums of the quarters of a matrix whose rows begin at x and, the lower ones, `lower` rows behind, for Strassen's product: A11 + A22,
  /// A21 + A22, A11 + A12, A21 - A11 and A12 - A22, each [rows][sum_stride]; a quarter has `depth` columns, whole registers.
  void (*strassen_sums)(const float *x, long x_stride, long rows, long lower, long depth, float *sums, long sum_stride);

  void (*strassen_result)(const seg_strassen *result);

  /// y[c][r] = x[r][c]
  void (*transpose)(const float *x, long x_stride, float *y, long y_stride, long rows, long columns);

  /// Columns of a matrix that lie one after another, to rows of a panel in another order: for first <= k < last
  /// y[(k / period) period_step + (k % period) step + c] = x[c x_stride + k].
  void (*pack_columns)(const float *x, long x_stride, long columns, long first, long last, long period, float *y, long step,
                       long period_step);

  /// One tile of inputs, its first pixel (row, column) perhaps outside the image, to a row of each plane of its points. `rows` and
  /// `columns` are the places of its axes.
  void (*winograd_input)(const seg_winograd *w, const float *image, long row, long column, long rows, long columns, float *planes);

  /// `count` rows of weights, [count][taps · taps][width], to [count][width] in each plane, `plane` floats apart; width is one register or a
  /// panel's.
  void (*winograd_filter)(const seg_winograd *w, const float *weights, long count, long width, float *planes, long plane);

  /// A row of each plane of its points to one tile of outputs, Aᵀ m A with an epilogue. The rows of result and residual are the pixels of
  /// whole images; the tile's first pixel (row, column) is perhaps outside. The result may be the memory of the residual.
  void (*winograd_output)(const seg_winograd *w, const float *planes, const seg_epilogue *epilogue, const seg_destination *result,
                          long row, long column, long rows, long columns);

  /// A y Aᵀ, the transpose of `winograd_output`, of the tile of y whose first pixel is (row, column), to a row of each plane of its points,
  /// `output_plane` floats apart. y is a map of the result's extent; pixels outside are zero. There are three taps.
  void (*winograd_gradient)(const seg_winograd *w, const float *y, long y_stride, long row, long column, long rows, long columns,
                            float *planes);

  /// Gᵀ m G, the transpose of `winograd_filter` for three taps: [count][width] in each of the planes, `plane` floats apart, to
  /// [count][9][width]; the width is whole registers.
  void (*winograd_filter_gradient)(const seg_winograd *w, const float *planes, long plane, long count, long width, float *weights);

  void (*outer_products)(const seg_outer_products *products);

  /// The gradient of a depthwise kernel over the output rows first <= row < last of one image, channels * multiplier outputs a pixel: sums
  /// [tap][output channel], `sum_stride` floats apart, increase. y is the gradient of the outputs from row `first` on. The kernel has at most
  /// SEG_DEPTHWISE_GRADIENT_TAPS taps.
  void (*depthwise_gradient)(const seg_window *window, const float *image, const float *y, long y_stride, long first, long last,
                             long channels, long multiplier, float *sums, long sum_stride);

  /// y[r][c] = x[r][c] for c below `columns`, and 0 from there to `y_stride`.
  void (*copy_rows)(const float *x, long x_stride, float *y, long y_stride, long rows, long columns);

  /// y[i] = f(x[i])
  void (*map)(int function, float a, float b, float c, const float *x, float *y, long count);

  /// y[i] = op(p[i * p_step], q[i * q_step]); a step is 0 (broadcast) or 1.
  void (*combine)(int operation, const float *p, long p_step, const float *q, long q_step, float *y, long count);

  /// The epilogue of x itself: y[r][c] = f(x[r][c] scale[c] + shift[c] + residual[r][c]).
  void (*affine)(const float *x, long x_stride, const seg_epilogue *epilogue, const seg_destination *result, long rows,
                 long channels);

  /// y[r][c] = max(x, 0) + slope[c] min(x, 0)
  void (*prelu)(const float *x, long x_stride, const float *slope, float *y, long y_stride, long rows, long channels);

  /// y[r][c] = (x[r][c] - mean) inv_deviation scale[c] + shift[c], mean and deviation of each row by itself.
  void (*layer_norm)(const float *x, long x_stride, const float *scale, const float *shift, float epsilon, float *y,
                     long y_stride, long rows, long channels);

  /// A row of outputs of a depthwise convolution: channels * multiplier outputs a pixel, weights [tap][output channel]. The kernel has
  /// at most SEG_DEPTHWISE_ROWS rows. The result is not the memory of the residual.
  void (*depthwise)(const seg_window *window, const float *image, long output_row, long channels, long multiplier,
                    const float *weights, const seg_epilogue *epilogue, const seg_destination *result);

  /// A row of maxima; `indices` (row * input_width + column of the first maximum, one a value) may be null.
  void (*max_pool)(const seg_window *window, const float *image, long output_row, long channels, float *y, long y_stride,
                   int *indices, long index_stride);

  /// A row of means over the window's taps inside the image, divided by their number or (`count_padding`) by that of the
  /// taps inside the padded image.
  void (*average_pool)(const seg_window *window, const float *image, long output_row, long channels, int count_padding,
                       float *y, long y_stride);

  /// Patches of output pixels [first, first + count) of one image, as rows [kernel_height][kernel_width][channels].
  void (*gather_patches)(const seg_window *window, const float *image, long first, long count, long channels, float *patches);

  /// y[p][c] = sum over t of weights[p taps + t] x[offsets[p taps + t] + c]
  void (*interpolate)(const float *x, const long *offsets, const float *weights, long taps, long pixels, long channels,
                      float *y, long y_stride);

  /// Reduction of a contiguous run, in eight or more partial results.
  float (*reduce)(int reduction, const float *x, long count);

  /// y[c] = reduction over r of x[r][c]
  void (*reduce_rows)(int reduction, const float *x, long x_stride, long rows, long channels, float *y);

  /// Softmax of each row, or its logarithm.
  void (*softmax)(int logarithm, const float *x, long x_stride, float *y, long y_stride, long rows, long channels);

  /// Of each row e to the power of its elements less the largest one, and their sum: the softmax before it is divided by the sum.
  void (*softmax_numerators)(const float *x, long x_stride, float *y, long y_stride, long rows, long channels, float *sums);

  /// The column of the first maximum of each row.
  void (*argmax)(const float *x, long x_stride, long rows, long channels, int *y);

  /// dx[i] = dy[i] f'(x), where source[i] is x or, with `of_value`, f(x); dx may be an operand.
  void (*map_gradient)(int function, int of_value, float a, float b, const float *dy, const float *source, float *dx,
                       long count);

  /// The mean of each column over the rows, and the sum of the squared deviations from it.
  void (*column_moments)(const float *x, long x_stride, long rows, long channels, float *mean, float *deviation);

  /// With g = dy f': the sums over rows of g, and of g (x - mean).
  void (*normalization_sums)(const seg_normalization *n, long rows, long channels, float *sums, float *products);

  /// With g = dy f': dx = g factor[c] + (x - mean) slope[c] + offset[c]; dx may be dy or x.
  void (*normalization_gradient)(const seg_normalization *n, const float *factor, const float *slope, const float *offset,
                                 long rows, long channels, float *dx, long dx_stride);

  /// y[c] = sum over r of p[r][c] q[r][c]
  void (*add_products)(const float *p, long p_stride, const float *q, long q_stride, long rows, long channels, float *y);

  /// The gradient of each row's softmax y, or of its logarithm; dx may be an operand.
  void (*softmax_gradient)(int of_logarithm, const float *dy, long dy_stride, const float *y, long y_stride, float *dx,
                           long dx_stride, long rows, long channels);

  /// The gradient of each row's layer normalisation of x, weight perhaps null; adds to the sums over rows of the gradients of weight and
  /// bias. dx may be an operand.
  void (*layer_norm_gradient)(const float *dy, long dy_stride, const float *x, long x_stride, const float *weight, float epsilon,
                              float *dx, long dx_stride, float *weight_sums, float *bias_sums, long rows, long channels);

  /// Steps of optimisers, w weights and g their gradient; results may be the operands.
  void (*momentum_step)(const seg_momentum *s, const float *w, const float *g, const float *m, float *new_w, float *new_m,
                        long count);
  void (*adam_step)(const seg_adam *s, const float *w, const float *g, const float *m, const float *v, float *new_w,
                    float *new_m, float *new_v, long count);
  void (*lion_step)(const seg_adam *s, const float *w, const float *g, const float *m, float *new_w, float *new_m, long count);
} seg_kernels;

/// The kernels for the widest instruction set that this machine has.
const seg_kernels *seg_select_kernels(void);

/// The kernels of one instruction set by name ("avx512", "avx2", "baseline"), or null where this machine has not got it.
const seg_kernels *seg_kernels_named(const char *instruction_set);

/// The number of processors that this process may run on.
long seg_available_processors(void);

/// Processors that the control groups of a process allow it, by quota over period rounded up; 0 where no quota is set. `groups` is
/// /proc/self/cgroup, `mount` where the groups' file system is (/sys/fs/cgroup), versions 1 and 2.
long seg_quota_processors(const char *groups, const char *mount);

/// Bytes of address space that this process may still map; LONG_MAX where it has no limit.
long seg_address_space_left(void);

/// Maps the buffers of OpenBLAS for so many threads under a limit on address space, under which OpenBLAS itself would try for ever to map
/// one that does not fit. Returns for how many threads there is room, at least one; without a limit it does nothing.
int seg_reserve_product_buffers(int threads);

/// Bytes of the second-level cache that a core may count on: what the system says, from 256 KiB to 2 MiB; 512 KiB where it says nothing.
long seg_core_cache_bytes(void);

/// Prefetches floats into the core's second-level cache.
void seg_prefetch(const float *x, long count);

/// Asks the system to back memory by large pages, as far as it holds whole ones of 2 MiB; where there are none nothing happens.
void seg_advise_large_pages(void *memory, unsigned long byte_count);

/// A Swift closure (long index, long worker) -> void while the function to which it was passed runs.
typedef struct { const void *code, *context; } seg_loop_body;

/// Calls the closure.
void seg_call_loop_body(const seg_loop_body *body, long index, long worker);

/// Tells the processor that this is a spinning wait.
static inline void seg_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

#endif
