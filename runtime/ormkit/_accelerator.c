/* Making objects of rows in C: what the generated `Model.__decode__` does in Python; and what else
 * is done for each answer of the server, or for each of many objects.
 *
 * decoding.py, receiving.py, moments.py and batches.py say when it is used. Whatever this is given,
 * it may refuse it and must not crash: the wrong arguments, rows of any type and length, code that
 * runs in the middle (a conversion, an iterator, a collection of garbage) and changes what is read
 * here.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <datetime.h>
#include <structmember.h>
#include <math.h>
#include <stddef.h>

/* In the place of where values begin: the row holds these and no others. */
#define WHOLE (-1)

typedef struct {
    Py_ssize_t offset;
    PyObject *conversion; /* a dict, something to call, or NULL: the value goes in as it is */
} Slot;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyTypeObject *model;
    PyTypeObject *record;
    PyObject *otherwise; /* what makes the objects if the model is not plain any more */
    PyObject *nothing;   /* the arguments of object.__new__ */
    int has_conversions;
    Py_ssize_t width;
    Slot *slots;
} Decoder;

typedef struct {
    Decoder *decoder;
    Py_ssize_t start;
} Part;

/* The values of a row are read from a tuple, or from a record by the sequence protocol, which checks
 * every place. */

static inline PyObject *
value_at(PyObject *values, Py_ssize_t place)
{
    if (PyTuple_CheckExact(values)) {
        return Py_NewRef(PyTuple_GET_ITEM(values, place));
    }
    /* PySequence_GetItem does the same, and adds a third to all that is done for a row. */
    PySequenceMethods *methods = Py_TYPE(values)->tp_as_sequence;
    return methods != NULL && methods->sq_item != NULL ? methods->sq_item(values, place)
                                                       : PySequence_GetItem(values, place);
}

/* Fails in the words of Python's unpacking where there are more values, or fewer. */
static int
check_length(PyObject *values, const Part *part)
{
    Py_ssize_t width = part->decoder->width;
    Py_ssize_t first = part->start == WHOLE ? 0 : part->start;
    Py_ssize_t length = PySequence_Size(values);
    if (length < 0) {
        return -1;
    }
    Py_ssize_t found = length > first ? length - first : 0;
    if (found < width) {
        PyErr_Format(PyExc_ValueError, "not enough values to unpack (expected %zd, got %zd)",
                     width, found);
        return -1;
    }
    if (found > width && part->start == WHOLE) {
        PyErr_Format(PyExc_ValueError, "too many values to unpack (expected %zd)", width);
        return -1;
    }
    return 0;
}

/* Whether object.__new__ makes the objects and object.__setattr__ assigns to them, so that to write
 * their slots is to do the same. A class can be changed: it is asked again for each row. */
static int
is_plain(PyTypeObject *model)
{
    return model->tp_new == PyBaseObject_Type.tp_new
        && model->tp_setattro == PyBaseObject_Type.tp_setattro;
}

static inline PyObject **
place_of(PyObject *object, const Slot *slot)
{
    return (PyObject **)((char *)object + slot->offset);
}

/* Takes the reference to the value. */
static inline void
store(PyObject *object, const Slot *slot, PyObject *value)
{
    PyObject **place = place_of(object, slot);
    PyObject *old = *place;
    *place = value;
    Py_XDECREF(old);
}

static int
fill(PyObject *object, PyObject *values, const Part *part)
{
    if (check_length(values, part) < 0) {
        return -1;
    }
    Py_ssize_t first = part->start == WHOLE ? 0 : part->start;
    for (Py_ssize_t n = 0; n < part->decoder->width; n++) {
        PyObject *value = value_at(values, first + n);
        if (value == NULL) {
            return -1;
        }
        store(object, &part->decoder->slots[n], value);
    }
    return 0;
}

static PyObject *
converted(PyObject *conversion, PyObject *value)
{
    return PyDict_Check(conversion) ? PyObject_GetItem(conversion, value)
                                         : PyObject_CallOneArg(conversion, value);
}

static int
convert(PyObject *object, Decoder *self)
{
    for (Py_ssize_t n = 0; n < self->width; n++) {
        const Slot *slot = &self->slots[n];
        if (slot->conversion == NULL) {
            continue;
        }
        /* The conversion of another column may have found the object and emptied the slot. */
        PyObject *given = Py_XNewRef(*place_of(object, slot));
        PyObject *value = given == NULL ? NULL : converted(slot->conversion, given);
        Py_XDECREF(given);
        if (value == NULL) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_AttributeError, "a value is gone from its object");
            }
            return -1;
        }
        store(object, slot, value);
    }
    return 0;
}

static PyObject *
object_of_values(PyObject *values, const Part *part)
{
    Decoder *self = part->decoder;
    PyObject *object = PyBaseObject_Type.tp_new(self->model, self->nothing, NULL);
    if (object == NULL) {
        return NULL;
    }
    if (fill(object, values, part) < 0 || (self->has_conversions && convert(object, self) < 0)) {
        Py_DECREF(object);
        return NULL;
    }
    return object;
}

/* Lets Python make the object of a row that is none of a driver's, or of a class that has changed. */
static PyObject *
object_otherwise(PyObject *row, const Part *part)
{
    Py_ssize_t start = part->start;
    PyObject *values = start == WHOLE
        ? Py_NewRef(row) : PySequence_GetSlice(row, start, start + part->decoder->width);
    PyObject *rows = values == NULL ? NULL : PyList_New(1);
    if (rows == NULL) {
        Py_XDECREF(values);
        return NULL;
    }
    PyList_SET_ITEM(rows, 0, values);
    PyObject *objects = PyObject_CallOneArg(part->decoder->otherwise, rows);
    Py_DECREF(rows);
    PyObject *object = objects == NULL ? NULL : PySequence_GetItem(objects, 0);
    Py_XDECREF(objects);
    return object;
}

static PyObject *
object_of(PyObject *row, const Part *part)
{
    if (!is_plain(part->decoder->model)) {
        return object_otherwise(row, part);
    }
    if (Py_IS_TYPE(row, part->decoder->record) || PyTuple_CheckExact(row)) {
        return object_of_values(row, part);
    }
    if (!PyList_CheckExact(row)) {
        return object_otherwise(row, part);
    }
    /* A list can change while it is read. */
    PyObject *values = PyList_AsTuple(row);
    PyObject *object = values == NULL ? NULL : object_of_values(values, part);
    Py_XDECREF(values);
    return object;
}

static PyObject *
objects_of(PyObject *given, const Part *part)
{
    PyObject *rows = PySequence_Fast(given, "rows must be a sequence");
    if (rows == NULL) {
        return NULL;
    }
    Py_ssize_t count = PySequence_Fast_GET_SIZE(rows);
    PyObject *objects = PyList_New(count);
    if (objects == NULL) {
        Py_DECREF(rows);
        return NULL;
    }
    /* Garbage may be collected at every row; the code that this runs must not find the gaps. */
    PyObject_GC_UnTrack(objects);
    for (Py_ssize_t n = 0; n < count; n++) {
        PyObject *object = NULL;
        if (PySequence_Fast_GET_SIZE(rows) == count) {
            PyObject *row = Py_NewRef(PySequence_Fast_GET_ITEM(rows, n));
            object = object_of(row, part);
            Py_DECREF(row);
        }
        else {
            PyErr_SetString(PyExc_RuntimeError, "the list of rows changed while it was read");
        }
        if (object == NULL) {
            Py_DECREF(objects);
            Py_DECREF(rows);
            return NULL;
        }
        PyList_SET_ITEM(objects, n, object);
    }
    PyObject_GC_Track(objects);
    Py_DECREF(rows);
    return objects;
}

static PyObject *
decoder_call(PyObject *self, PyObject *const *args, size_t flagged, PyObject *keywords)
{
    Py_ssize_t count = PyVectorcall_NARGS(flagged);
    if (keywords != NULL || count < 1 || count > 2) {
        PyErr_SetString(PyExc_TypeError, "a Decoder takes rows, and where their values begin");
        return NULL;
    }
    Part part = {(Decoder *)self, WHOLE};
    if (count == 2) {
        part.start = PyNumber_AsSsize_t(args[1], PyExc_OverflowError);
        if (part.start == -1 && PyErr_Occurred()) {
            return NULL;
        }
        if (part.start < 0 || part.start > PY_SSIZE_T_MAX - part.decoder->width) {
            PyErr_SetString(PyExc_ValueError, "no row has a place for values to begin there");
            return NULL;
        }
    }
    return objects_of(args[0], &part);
}

/* Returns the offset of the slot; -1 with an error for what is no slot of the model. */
static Py_ssize_t
offset_of(PyTypeObject *model, PyObject *descriptor)
{
    if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) {
        PyErr_Format(PyExc_TypeError, "a slot's descriptor is needed, not %.200s",
                     Py_TYPE(descriptor)->tp_name);
        return -1;
    }
    PyTypeObject *owner = PyDescr_TYPE(descriptor);
    PyMemberDef *member = ((PyMemberDescrObject *)descriptor)->d_member;
    Py_ssize_t end = model->tp_basicsize - (Py_ssize_t)sizeof(PyObject *);
    if (!PyType_HasFeature(owner, Py_TPFLAGS_HEAPTYPE) || !PyType_IsSubtype(model, owner)
        || member->type != T_OBJECT_EX || member->flags != 0
        || member->offset < (Py_ssize_t)sizeof(PyObject) || member->offset > end) {
        PyErr_Format(PyExc_TypeError, "%.200s is no slot of %.200s", member->name, model->tp_name);
        return -1;
    }
    return member->offset;
}

static int
set_slots(Decoder *self, PyObject *descriptors, PyObject *conversions)
{
    Py_ssize_t width = PyTuple_GET_SIZE(descriptors);
    if (PyTuple_GET_SIZE(conversions) != width) {
        PyErr_SetString(PyExc_ValueError, "each slot needs its conversion, or None");
        return -1;
    }
    self->slots = PyMem_Calloc(width ? width : 1, sizeof(Slot));
    if (self->slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->width = width;
    for (Py_ssize_t n = 0; n < width; n++) {
        Slot *slot = &self->slots[n];
        slot->offset = offset_of(self->model, PyTuple_GET_ITEM(descriptors, n));
        if (slot->offset < 0) {
            return -1;
        }
        PyObject *conversion = PyTuple_GET_ITEM(conversions, n);
        if (conversion == Py_None) {
            continue;
        }
        if (!PyDict_Check(conversion) && !PyCallable_Check(conversion)) {
            PyErr_SetString(PyExc_TypeError, "a conversion is a dict, a callable or None");
            return -1;
        }
        slot->conversion = Py_NewRef(conversion);
        self->has_conversions = 1;
    }
    return 0;
}

static PyObject *
decoder_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"record", "model", "slots", "conversions", "otherwise", NULL};
    PyTypeObject *record, *model;
    PyObject *descriptors, *conversions, *otherwise;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!O!O!O!O:Decoder", names,
                                     &PyType_Type, &record, &PyType_Type, &model,
                                     &PyTuple_Type, &descriptors, &PyTuple_Type, &conversions,
                                     &otherwise)) {
        return NULL;
    }
    if (!is_plain(model)) {
        PyErr_Format(PyExc_TypeError, "%.200s makes or sets its objects in its own way",
                     model->tp_name);
        return NULL;
    }
    Decoder *self = (Decoder *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = decoder_call;
    self->record = (PyTypeObject *)Py_NewRef(record);
    self->model = (PyTypeObject *)Py_NewRef(model);
    self->otherwise = Py_NewRef(otherwise);
    self->nothing = PyTuple_New(0);
    if (self->nothing == NULL || set_slots(self, descriptors, conversions) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* There is no tp_clear, as tuples have none: what a Decoder holds is read until its very end, and
 * every cycle through it goes through something that can be cleared. */
static int
decoder_traverse(PyObject *object, visitproc visit, void *arg)
{
    Decoder *self = (Decoder *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->record);
    Py_VISIT(self->model);
    Py_VISIT(self->otherwise);
    for (Py_ssize_t n = 0; n < self->width; n++) {
        Py_VISIT(self->slots[n].conversion);
    }
    return 0;
}

static void
decoder_dealloc(PyObject *object)
{
    Decoder *self = (Decoder *)object;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    for (Py_ssize_t n = 0; n < self->width; n++) {
        Py_XDECREF(self->slots[n].conversion);
    }
    PyMem_Free(self->slots);
    Py_XDECREF(self->nothing);
    Py_XDECREF(self->otherwise);
    Py_XDECREF(self->model);
    Py_XDECREF(self->record);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef decoder_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Decoder, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(decoder_doc,
"Decoder(record, model, slots, conversions, otherwise)\n--\n\n"
"Make objects of a list of rows, each of whose values goes into a slot of its own.");

static PyType_Slot decoder_slots[] = {
    {Py_tp_doc, (void *)decoder_doc},
    {Py_tp_new, (void *)decoder_new},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_traverse, (void *)decoder_traverse},
    {Py_tp_dealloc, (void *)decoder_dealloc},
    {Py_tp_members, decoder_members},
    {0, NULL},
};

static PyType_Spec decoder_spec = {
    .name = "ormkit._accelerator.Decoder",
    .basicsize = sizeof(Decoder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
        | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = decoder_slots,
};

/* Objects of a class of the application: what an `__init__` of a dataclass does, which assigns each
 * argument and nothing else. `object.__setattr__` assigns, so that a frozen class is no exception. */

/* Where each attribute of the objects is: the offset of its slot, or 0 for one to assign to. */
static Py_ssize_t *
places_of(PyTypeObject *kind, PyObject *names)
{
    Py_ssize_t width = PyTuple_GET_SIZE(names);
    Py_ssize_t *places = PyMem_Calloc(width ? width : 1, sizeof(Py_ssize_t));
    if (places == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t n = 0; n < width; n++) {
        PyObject *found = PyObject_GetAttr((PyObject *)kind, PyTuple_GET_ITEM(names, n));
        Py_ssize_t offset = found == NULL ? -1 : offset_of(kind, found);
        Py_XDECREF(found);
        if (offset < 0) {
            PyErr_Clear();
        }
        places[n] = offset < 0 ? 0 : offset;
    }
    return places;
}

static int
assign(PyObject *object, PyObject *name, Py_ssize_t place, PyObject *value)
{
    if (!place) {
        return PyObject_GenericSetAttr(object, name, value);
    }
    PyObject **slot = (PyObject **)((char *)object + place);
    PyObject *old = *slot;
    *slot = Py_NewRef(value);
    Py_XDECREF(old);
    return 0;
}

static PyObject *
object_with(PyTypeObject *kind, PyObject *nothing, PyObject *names, const Py_ssize_t *places,
            PyObject *values)
{
    Py_ssize_t width = PyTuple_GET_SIZE(names);
    Py_ssize_t length = PySequence_Size(values);
    if (length != width) {
        if (length >= 0) {
            PyErr_Format(PyExc_ValueError, "a row holds %zd values for %zd attributes",
                         length, width);
        }
        return NULL;
    }
    PyObject *object = PyBaseObject_Type.tp_new(kind, nothing, NULL);
    if (object == NULL) {
        return NULL;
    }
    for (Py_ssize_t n = 0; n < width; n++) {
        PyObject *value = value_at(values, n);
        int failed = value == NULL
            || assign(object, PyTuple_GET_ITEM(names, n), places[n], value) < 0;
        Py_XDECREF(value);
        if (failed) {
            Py_DECREF(object);
            return NULL;
        }
    }
    return object;
}

static int
are_names(PyObject *names)
{
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(names); n++) {
        if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(names, n))) {
            PyErr_SetString(PyExc_TypeError, "the name of an attribute is a str");
            return 0;
        }
    }
    return 1;
}

static PyObject *
objects_with(PyObject *module, PyObject *args)
{
    PyTypeObject *kind, *record;
    PyObject *names, *given;
    if (!PyArg_ParseTuple(args, "O!O!O!O:objects_with", &PyType_Type, &kind, &PyType_Type, &record,
                          &PyTuple_Type, &names, &given) || !are_names(names)) {
        return NULL;
    }
    if (kind->tp_new != PyBaseObject_Type.tp_new) {
        return PyErr_Format(PyExc_TypeError, "%.200s makes its objects in its own way",
                            kind->tp_name);
    }
    PyObject *rows = PySequence_Fast(given, "rows must be a sequence");
    PyObject *nothing = rows == NULL ? NULL : PyTuple_New(0);
    Py_ssize_t *places = nothing == NULL ? NULL : places_of(kind, names);
    Py_ssize_t count = rows == NULL ? 0 : PySequence_Fast_GET_SIZE(rows);
    PyObject *objects = places == NULL ? NULL : PyList_New(count);
    if (objects == NULL) {
        PyMem_Free(places);
        Py_XDECREF(nothing);
        Py_XDECREF(rows);
        return NULL;
    }
    /* Garbage may be collected at every row; the code that this runs must not find the gaps. */
    PyObject_GC_UnTrack(objects);
    for (Py_ssize_t n = 0; n < count; n++) {
        PyObject *object = NULL;
        if (PySequence_Fast_GET_SIZE(rows) != count) {
            PyErr_SetString(PyExc_RuntimeError, "the list of rows changed while it was read");
        }
        else {
            PyObject *row = Py_NewRef(PySequence_Fast_GET_ITEM(rows, n));
            if (Py_IS_TYPE(row, record) || PyTuple_CheckExact(row)) {
                object = object_with(kind, nothing, names, places, row);
            }
            else {
                PyErr_SetString(PyExc_TypeError, "a row is a record or a tuple");
            }
            Py_DECREF(row);
        }
        if (object == NULL) {
            Py_CLEAR(objects);
            break;
        }
        PyList_SET_ITEM(objects, n, object);
    }
    if (objects != NULL) {
        PyObject_GC_Track(objects);
    }
    PyMem_Free(places);
    Py_DECREF(nothing);
    Py_DECREF(rows);
    return objects;
}

/* Receiving: what Receiver in receiving.py does for each read, of which every answer is one, and what
 * Messages in messages.py looks at, which says why. */

#define MOST_SHORT 30000
#define MOST_PARAMETERS (4 + 2 + 4 * 0xFFFF)
#define MOST_TOLD (1 << 26)
#define MOST_KEPT (1 << 16)
#define MOST (1 << 30)
#define HEAD 5

typedef struct {
    PyObject_HEAD
    PyObject *receive;        /* called with the bytes of each read */
    PyObject *buffer;         /* a bytearray, which holds what was read */
    PyObject *view;           /* a memoryview of it: over TLS the transport reads into its slices */
    Py_ssize_t pause;         /* from this many bytes on the collector is paused meanwhile */
    PyObject *broken;         /* raised for what the protocol does not allow; None looks at nothing */
    unsigned char head[HEAD]; /* the beginning of a head that came in part */
    Py_ssize_t head_size;
    unsigned char kind;       /* the message that came in part */
    Py_ssize_t left;          /* bytes that are left of it */
    PyObject *part;           /* a bytearray of what came of it, or NULL where that is not kept */
    unsigned char last;       /* the message before, 0 behind ReadyForQuery */
    Py_ssize_t completed;
    PyObject *failure;        /* the error with which the server ended the session, or NULL */
    PyObject *end;            /* called behind that error; NULL calls nothing */
    char is_binding;
} Reader;

static inline int
is_one_of(unsigned char kind, const char *kinds)
{
    return kind != 0 && strchr(kinds, kind) != NULL;
}

static inline Py_ssize_t
big_endian(const unsigned char *bytes, int count)
{
    Py_ssize_t number = 0;
    for (int n = 0; n < count; n++) {
        number = number << 8 | bytes[n];
    }
    return number;
}

/* Return whether a body is this many texts, each with a zero behind it. */
static int
is_texts(const unsigned char *body, Py_ssize_t size, int count)
{
    for (; count > 0; count--) {
        const unsigned char *end = size > 0 ? memchr(body, 0, (size_t)size) : NULL;
        if (end == NULL) {
            return 0;
        }
        size -= end + 1 - body;
        body = end + 1;
    }
    return size == 0;
}

/* Return whether a body is fields of an error, each with its code, and a zero. */
static int
is_fields(const unsigned char *body, Py_ssize_t size)
{
    int count = 0;
    while (size > 0 && *body != 0) {
        const unsigned char *end = memchr(body, 0, (size_t)size);
        if (end == NULL) {
            return 0;
        }
        size -= end + 1 - body;
        body = end + 1;
        count++;
    }
    return size == 1 && count > 0;
}

static int
is_description(const unsigned char *body, Py_ssize_t size)
{
    if (size < 2) {
        return 0;
    }
    Py_ssize_t place = 2;
    for (Py_ssize_t count = big_endian(body, 2); count > 0; count--) {
        const unsigned char *end = place < size
            ? memchr(body + place, 0, (size_t)(size - place)) : NULL;
        if (end == NULL) {
            return 0;
        }
        place = end + 19 - body;
    }
    return place == size;
}

static int
is_row(const unsigned char *body, Py_ssize_t size)
{
    if (size < 2) {
        return 0;
    }
    Py_ssize_t place = 2;
    for (Py_ssize_t count = big_endian(body, 2); count > 0; count--) {
        if (size - place < 4) {
            return 0;
        }
        Py_ssize_t length = big_endian(body + place, 4);
        place += 4;
        if (length == 0xffffffff) { /* NULL */
            continue;
        }
        if (length > size - place) {
            return 0;
        }
        place += length;
    }
    return place == size;
}

static int
is_well_formed(unsigned char kind, const unsigned char *body, Py_ssize_t size)
{
    switch (kind) {
    case 'D':
        return is_row(body, size);
    case 'd':
        return 1;
    case 'Z':
        return size == 1 && is_one_of(body[0], "ITE");
    case 'C':
        return is_texts(body, size, 1);
    case 'S':
        return is_texts(body, size, 2);
    case 'A':
        return size > 4 && is_texts(body + 4, size - 4, 2);
    case 'E':
    case 'N':
        return is_fields(body, size);
    case 't':
        return size >= 2 && size == 2 + 4 * big_endian(body, 2);
    case 'G':
    case 'H':
        return size >= 3 && size == 3 + 2 * big_endian(body + 1, 2);
    case 'T':
        return is_description(body, size);
    default:
        return size == 0;
    }
}

/* Return whether an error ends the session, by its field V, or by S of a server without it. */
static int
is_ending(const unsigned char *body)
{
    const char *severity = NULL, *translated = NULL;
    for (const char *field = (const char *)body; *field != 0; field += strlen(field) + 1) {
        if (*field == 'V') {
            severity = field + 1;
        } else if (*field == 'S') {
            translated = field + 1;
        }
    }
    severity = severity != NULL ? severity : translated;
    return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

static int
reader_look_into(Reader *self, unsigned char kind, const unsigned char *body, Py_ssize_t size)
{
    if (!is_well_formed(kind, body, size)) {
        PyErr_Format(self->broken, "it sent a message '%c' that cannot be read", kind);
        return -1;
    }
    if (kind == 'E' && is_ending(body)) {
        PyObject *failure = PyBytes_FromStringAndSize((const char *)body, size);
        if (failure == NULL) {
            return -1;
        }
        Py_XSETREF(self->failure, failure);
    }
    return 0;
}

/* Check that a message may come here; *is_ready tells whether the server is ready since this read. */
static int
reader_follow(Reader *self, unsigned char kind, int *is_ready)
{
    if (is_one_of(kind, "ANS")) {
        return 0;
    }
    if (*is_ready && kind != 'E') {
        PyErr_Format(self->broken, "it sent an unexpected message '%c'", kind);
        return -1;
    }
    if (kind == 'Z') {
        if (!is_one_of(self->last, "CEIs3n") && !(self->last == '2' && self->is_binding)) {
            PyErr_SetString(self->broken,
                            "it sent ReadyForQuery before the end of the result");
            return -1;
        }
        self->last = 0;
        self->is_binding = 0;
        *is_ready = 1;
        return 0;
    }
    self->completed += is_one_of(kind, "CIs");
    self->last = kind == 'T' && self->last == 't' ? 'n' : kind;
    return 0;
}

/* Return the greatest length of a message of the type. */
static Py_ssize_t
most_of(unsigned char kind)
{
    if (is_one_of(kind, "Dd")) {
        return MOST;
    }
    if (kind == 't') {
        return MOST_PARAMETERS;
    }
    return is_one_of(kind, "AENT") ? MOST_TOLD : MOST_SHORT;
}

static int
reader_check_size(Reader *self, unsigned char kind, Py_ssize_t size)
{
    if (!is_one_of(kind, "123ACDEGHINSTZcdnst")) {
        PyErr_Format(self->broken, "it sent a message of the unknown type %d", kind);
        return -1;
    }
    if (size < 4 || size > most_of(kind)) {
        PyErr_Format(self->broken, "it sent a message '%c' of %zd bytes", kind, size);
        return -1;
    }
    return 0;
}

/* Take what is left of a message that came in part, and return how much that was. */
static Py_ssize_t
reader_rest(Reader *self, const unsigned char *data, Py_ssize_t count)
{
    Py_ssize_t taken = self->left < count ? self->left : count;
    self->left -= taken;
    if (self->part == NULL) {
        return taken;
    }
    Py_ssize_t size = PyByteArray_GET_SIZE(self->part);
    if (PyByteArray_Resize(self->part, size + taken) < 0) {
        return -1;
    }
    memcpy(PyByteArray_AS_STRING(self->part) + size, data, (size_t)taken);
    if (self->left == 0) {
        PyObject *part = self->part;
        self->part = NULL;
        int failed = reader_look_into(self, self->kind,
                                      (unsigned char *)PyByteArray_AS_STRING(part), size + taken);
        Py_DECREF(part);
        if (failed) {
            return -1;
        }
    }
    return taken;
}

/* Look at what was read next; -1 with the error set for what the protocol does not allow. */
static int
reader_check(Reader *self, const unsigned char *data, Py_ssize_t count)
{
    int is_ready = 0;
    Py_ssize_t place = 0;
    if (self->left > 0 && (place = reader_rest(self, data, count)) < 0) {
        return -1;
    }
    while (place < count) {
        unsigned char *head = self->head;
        if (self->head_size > 0 || count - place < HEAD) {
            while (self->head_size < HEAD && place < count) {
                head[self->head_size++] = data[place++];
            }
            if (self->head_size < HEAD) {
                return 0;
            }
            self->head_size = 0;
        } else {
            head = (unsigned char *)data + place;
            place += HEAD;
        }
        unsigned char kind = head[0];
        Py_ssize_t size = big_endian(head + 1, 4);
        if (reader_check_size(self, kind, size) < 0 || reader_follow(self, kind, &is_ready) < 0) {
            return -1;
        }
        size -= 4;
        if (size > count - place) {
            self->kind = kind;
            self->left = size - (count - place);
            if (size <= MOST_KEPT) {
                self->part = PyByteArray_FromStringAndSize((const char *)data + place,
                                                           count - place);
                return self->part == NULL ? -1 : 0;
            }
            return 0;
        }
        if (reader_look_into(self, kind, data + place, size) < 0) {
            return -1;
        }
        place += size;
    }
    return 0;
}

static PyObject *
reader_get_buffer(PyObject *self, PyObject *hint)
{
    return Py_NewRef(((Reader *)self)->view);
}

/* Hand on bytes that were checked; once the server has ended the session, say so. */
static PyObject *
reader_hand_on(Reader *self, PyObject *data)
{
    PyObject *receive = Py_NewRef(self->receive);
    PyObject *done = PyObject_CallOneArg(receive, data);
    Py_DECREF(receive);
    if (done != NULL && self->failure != NULL && self->end != NULL) {
        PyObject *end = self->end;
        self->end = NULL;
        Py_SETREF(done, PyObject_CallNoArgs(end));
        Py_DECREF(end);
    }
    if (done == NULL) {
        return NULL;
    }
    Py_DECREF(done);
    Py_RETURN_NONE;
}

static PyObject *
reader_buffer_updated(PyObject *object, PyObject *given)
{
    Reader *self = (Reader *)object;
    Py_ssize_t count = PyNumber_AsSsize_t(given, PyExc_OverflowError);
    if (count == -1 && PyErr_Occurred()) {
        return NULL;
    }
    /* Whoever has the view can release it, and then change the size of the buffer. */
    if (count < 0 || count > PyByteArray_GET_SIZE(self->buffer)) {
        PyErr_SetString(PyExc_ValueError, "the buffer does not hold as many bytes");
        return NULL;
    }
    if (self->broken != Py_None
        && reader_check(self, (unsigned char *)PyByteArray_AS_STRING(self->buffer), count) < 0) {
        return NULL;
    }
    /* A copy: the driver keeps what it has not decoded yet. */
    PyObject *data = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(self->buffer), count);
    if (data == NULL) {
        return NULL;
    }
    int was_collecting = count >= self->pause && PyGC_Disable();
    PyObject *done = reader_hand_on(self, data);
    if (was_collecting) {
        PyGC_Enable();
    }
    Py_DECREF(data);
    return done;
}

/* What a loop calls that reads into a buffer of its own. */
static PyObject *
reader_data_received(PyObject *object, PyObject *data)
{
    Reader *self = (Reader *)object;
    if (!PyBytes_Check(data)) {
        PyErr_SetString(PyExc_TypeError, "bytes are received");
        return NULL;
    }
    if (self->broken != Py_None
        && reader_check(self, (unsigned char *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)) < 0) {
        return NULL;
    }
    return reader_hand_on(self, data);
}

static PyObject *
reader_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"receive", "size", "pause", "broken", "end", NULL};
    PyObject *receive, *broken = Py_None, *end = NULL;
    Py_ssize_t size, pause;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "Onn|OO:Reader", names, &receive, &size,
                                     &pause, &broken, &end)) {
        return NULL;
    }
    if (broken != Py_None && !PyExceptionClass_Check(broken)) {
        PyErr_SetString(PyExc_TypeError, "what is raised is an exception");
        return NULL;
    }
    if (size < 1) {
        PyErr_SetString(PyExc_ValueError, "a buffer has at least one byte");
        return NULL;
    }
    PyObject *buffer = PyByteArray_FromStringAndSize(NULL, size);
    if (buffer == NULL) {
        return NULL;
    }
    memset(PyByteArray_AS_STRING(buffer), 0, (size_t)size);
    PyObject *view = PyMemoryView_FromObject(buffer);
    Reader *self = view == NULL ? NULL : (Reader *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_XDECREF(view);
        Py_DECREF(buffer);
        return NULL;
    }
    self->receive = Py_NewRef(receive);
    self->buffer = buffer;
    self->view = view;
    self->pause = pause;
    self->broken = Py_NewRef(broken);
    self->end = Py_XNewRef(end);
    return (PyObject *)self;
}

/* There is no tp_clear, for the reason that a Decoder has none. */
static int
reader_traverse(PyObject *object, visitproc visit, void *arg)
{
    Reader *self = (Reader *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->receive);
    Py_VISIT(self->view);
    Py_VISIT(self->broken);
    Py_VISIT(self->end);
    return 0;
}

static void
reader_dealloc(PyObject *object)
{
    Reader *self = (Reader *)object;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->receive);
    Py_XDECREF(self->broken);
    Py_XDECREF(self->part);
    Py_XDECREF(self->failure);
    Py_XDECREF(self->end);
    Py_XDECREF(self->view);
    Py_XDECREF(self->buffer);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef reader_methods[] = {
    {"get_buffer", reader_get_buffer, METH_O,
     PyDoc_STR("Return the buffer to read into, whatever size was hinted at.")},
    {"buffer_updated", reader_buffer_updated, METH_O,
     PyDoc_STR("Hand on this many bytes of the buffer.")},
    {"data_received", reader_data_received, METH_O,
     PyDoc_STR("Hand on bytes that were read elsewhere.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef reader_members[] = {
    {"completed", T_PYSSIZET, offsetof(Reader, completed), READONLY,
     PyDoc_STR("How many statements were run, or suspended.")},
    {"failure", T_OBJECT, offsetof(Reader, failure), READONLY,
     PyDoc_STR("The error with which the server ended the session, or None.")},
    {"is_binding", T_BOOL, offsetof(Reader, is_binding), 0,
     PyDoc_STR("True while a portal is made, of which nothing is run yet.")},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(reader_doc,
"Reader(receive, size, pause, broken=None, end=None)\n--\n\n"
"Call `receive` with a copy of what was read into a buffer of this size; from `pause` bytes on with\n"
"the collector of cycles paused. Where these are no messages of a server, raise `broken`. Behind\n"
"an error with which the server ends the session, call `end`.");

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, (void *)reader_doc},
    {Py_tp_new, (void *)reader_new},
    {Py_tp_traverse, (void *)reader_traverse},
    {Py_tp_dealloc, (void *)reader_dealloc},
    {Py_tp_methods, reader_methods},
    {Py_tp_members, reader_members},
    {0, NULL},
};

static PyType_Spec reader_spec = {
    .name = "ormkit._accelerator.Reader",
    .basicsize = sizeof(Reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = reader_slots,
};

static int
add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int failed = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return failed;
}

/* Shortcuts: dates, times, timestamps and intervals, from and into PostgreSQL's binary form. What is
 * not ordinary (infinity, years that Python has not, subclasses, other zones) is left to Python. */

#define DAY INT64_C(86400000000)
/* Days from 0000-03-01, where the algorithm begins its years, to 2000-01-01. */
#define SINCE_MARCH 730425
/* The first and the last day that Python's dates know, from 2000-01-01. */
#define FIRST_DAY (-730119)
#define LAST_DAY 2921939

typedef struct Shortcut {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    /* One of the two; NULL without an error for what is not ordinary. */
    PyObject *(*decode)(const struct Shortcut *self, const unsigned char *data);
    PyObject *(*encode)(const struct Shortcut *self, PyObject *value);
    Py_ssize_t size;         /* how many bytes a value is */
    PyObject *otherwise;     /* what to call for what is not ordinary */
    PyTypeObject *interval;
    Py_ssize_t fields[3];    /* where an interval holds its months, days and microseconds */
} Shortcut;

static uint64_t
bits_at(const unsigned char *data, int count)
{
    uint64_t bits = 0;
    for (int n = 0; n < count; n++) {
        bits = bits << 8 | data[n];
    }
    return bits;
}

static inline int64_t
int64_at(const unsigned char *data)
{
    return (int64_t)bits_at(data, 8);
}

static inline int32_t
int32_at(const unsigned char *data)
{
    return (int32_t)(uint32_t)bits_at(data, 4);
}

static void
put(char *data, int count, int64_t number)
{
    uint64_t bits = (uint64_t)number;
    for (int n = count - 1; n >= 0; n--) {
        data[n] = (char)(bits & 0xff);
        bits >>= 8;
    }
}

static PyObject *
int64_bytes(int64_t number)
{
    char data[8];
    put(data, 8, number);
    return PyBytes_FromStringAndSize(data, 8);
}

/* Both ways as in http://howardhinnant.github.io/date_algorithms.html: years begin in March, so
 * that the odd day comes last. */

typedef struct {
    int year, month, day;
} Civil;

static int
is_ordinary(int64_t day)
{
    return day >= FIRST_DAY && day <= LAST_DAY;
}

static Civil
civil_of(int64_t day)
{
    unsigned since = (unsigned)(day + SINCE_MARCH);
    unsigned era = since / 146097, of_era = since % 146097;
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    unsigned of_month = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    return (Civil){(int)year, (int)month, (int)of_month};
}

/* Returns the day of a date, of which datetimes are a kind. */
static int64_t
day_of(PyObject *date)
{
    int month = PyDateTime_GET_MONTH(date);
    int year = PyDateTime_GET_YEAR(date) - (month <= 2);
    int era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5
        + PyDateTime_GET_DAY(date) - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year
        - SINCE_MARCH;
}

static PyObject *
decode_date(const Shortcut *self, const unsigned char *data)
{
    int32_t day = int32_at(data);
    if (!is_ordinary(day)) {
        return NULL;
    }
    Civil date = civil_of(day);
    return PyDate_FromDate(date.year, date.month, date.day);
}

static PyObject *
encode_date(const Shortcut *self, PyObject *value)
{
    if (!PyDate_CheckExact(value)) {
        return NULL;
    }
    char data[4];
    put(data, 4, day_of(value));
    return PyBytes_FromStringAndSize(data, 4);
}

static PyObject *
moment_at(const unsigned char *data, PyObject *zone)
{
    int64_t when = int64_at(data);
    int64_t day = when / DAY, rest = when % DAY;
    if (rest < 0) {
        rest += DAY;
        day--;
    }
    if (!is_ordinary(day)) {
        return NULL;
    }
    Civil date = civil_of(day);
    int second = (int)(rest / 1000000), microsecond = (int)(rest % 1000000);
    return PyDateTimeAPI->DateTime_FromDateAndTime(
        date.year, date.month, date.day, second / 3600, second / 60 % 60, second % 60,
        microsecond, zone, PyDateTimeAPI->DateTimeType);
}

static PyObject *
moment_bytes(PyObject *value, PyObject *zone)
{
    if (!PyDateTime_CheckExact(value) || PyDateTime_DATE_GET_TZINFO(value) != zone) {
        return NULL;
    }
    int64_t seconds = (PyDateTime_DATE_GET_HOUR(value) * 60 + PyDateTime_DATE_GET_MINUTE(value))
        * 60 + PyDateTime_DATE_GET_SECOND(value);
    return int64_bytes(day_of(value) * DAY + seconds * 1000000
                       + PyDateTime_DATE_GET_MICROSECOND(value));
}

static PyObject *
decode_timestamp(const Shortcut *self, const unsigned char *data)
{
    return moment_at(data, Py_None);
}

static PyObject *
encode_timestamp(const Shortcut *self, PyObject *value)
{
    return moment_bytes(value, Py_None);
}

static PyObject *
decode_timestamptz(const Shortcut *self, const unsigned char *data)
{
    return moment_at(data, PyDateTime_TimeZone_UTC);
}

static PyObject *
encode_timestamptz(const Shortcut *self, PyObject *value)
{
    return moment_bytes(value, PyDateTime_TimeZone_UTC);
}

static PyObject *
time_at(const unsigned char *data, PyObject *zone)
{
    int64_t when = int64_at(data);
    if (when < 0 || when >= DAY) {
        return NULL;
    }
    int second = (int)(when / 1000000);
    return PyDateTimeAPI->Time_FromTime(second / 3600, second / 60 % 60, second % 60,
                                        (int)(when % 1000000), zone, PyDateTimeAPI->TimeType);
}

static PyObject *
decode_time(const Shortcut *self, const unsigned char *data)
{
    return time_at(data, Py_None);
}

static PyObject *
encode_time(const Shortcut *self, PyObject *value)
{
    if (!PyTime_CheckExact(value) || PyDateTime_TIME_GET_TZINFO(value) != Py_None) {
        return NULL;
    }
    int64_t seconds = (PyDateTime_TIME_GET_HOUR(value) * 60 + PyDateTime_TIME_GET_MINUTE(value))
        * 60 + PyDateTime_TIME_GET_SECOND(value);
    return int64_bytes(seconds * 1000000 + PyDateTime_TIME_GET_MICROSECOND(value));
}

/* PostgreSQL counts the seconds of a zone to the west, and Python to the east. */
static PyObject *
decode_timetz(const Shortcut *self, const unsigned char *data)
{
    PyObject *offset = PyDelta_FromDSU(0, -int32_at(data + 8), 0);
    PyObject *zone = offset == NULL ? NULL : PyTimeZone_FromOffset(offset);
    Py_XDECREF(offset);
    PyObject *time = zone == NULL ? NULL : time_at(data, zone);
    Py_XDECREF(zone);
    return time;
}

static PyObject *
encode_nothing(const Shortcut *self, PyObject *value)
{
    return NULL;
}

static inline PyObject **
field_of(const Shortcut *self, PyObject *interval, int field)
{
    return (PyObject **)((char *)interval + self->fields[field]);
}

static PyObject *
decode_interval(const Shortcut *self, const unsigned char *data)
{
    PyObject *interval = self->interval->tp_alloc(self->interval, 0);
    PyObject *months = PyLong_FromLong(int32_at(data + 12));
    PyObject *days = PyLong_FromLong(int32_at(data + 8));
    PyObject *microseconds = PyLong_FromLongLong(int64_at(data));
    if (interval == NULL || months == NULL || days == NULL || microseconds == NULL) {
        Py_XDECREF(interval);
        Py_XDECREF(months);
        Py_XDECREF(days);
        Py_XDECREF(microseconds);
        return NULL;
    }
    *field_of(self, interval, 0) = months;
    *field_of(self, interval, 1) = days;
    *field_of(self, interval, 2) = microseconds;
    return interval;
}

static PyObject *
interval_bytes(int64_t months, int64_t days, int64_t microseconds)
{
    char data[16];
    put(data, 8, microseconds);
    put(data + 8, 4, days);
    put(data + 12, 4, months);
    return PyBytes_FromStringAndSize(data, 16);
}

static PyObject *
encode_interval(const Shortcut *self, PyObject *value)
{
    if (PyDelta_CheckExact(value)) {
        int64_t seconds = PyDateTime_DELTA_GET_SECONDS(value);
        return interval_bytes(0, PyDateTime_DELTA_GET_DAYS(value),
                              seconds * 1000000 + PyDateTime_DELTA_GET_MICROSECONDS(value));
    }
    if (!Py_IS_TYPE(value, self->interval)) {
        return NULL;
    }
    int64_t numbers[3];
    for (int n = 0; n < 3; n++) {
        PyObject *field = *field_of(self, value, n);
        if (field == NULL || !PyLong_CheckExact(field)) {
            return NULL;
        }
        numbers[n] = PyLong_AsLongLong(field);
        if (numbers[n] == -1 && PyErr_Occurred()) {
            return NULL;
        }
    }
    /* Infinity, which not every server has. */
    int is_infinite = (numbers[0] == INT32_MAX && numbers[2] == INT64_MAX)
        || (numbers[0] == INT32_MIN && numbers[2] == INT64_MIN);
    return is_infinite ? NULL : interval_bytes(numbers[0], numbers[1], numbers[2]);
}

static const struct {
    const char *name;
    Py_ssize_t size;
    PyObject *(*decode)(const Shortcut *self, const unsigned char *data);
    PyObject *(*encode)(const Shortcut *self, PyObject *value);
} shortcuts[] = {
    {"decode_date", 4, decode_date, NULL},
    {"encode_date", 4, NULL, encode_date},
    {"decode_timestamp", 8, decode_timestamp, NULL},
    {"encode_timestamp", 8, NULL, encode_timestamp},
    {"decode_timestamptz", 8, decode_timestamptz, NULL},
    {"encode_timestamptz", 8, NULL, encode_timestamptz},
    {"decode_time", 8, decode_time, NULL},
    {"encode_time", 8, NULL, encode_time},
    {"decode_timetz", 12, decode_timetz, NULL},
    {"encode_timetz", 12, NULL, encode_nothing},
    {"decode_interval", 16, decode_interval, NULL},
    {"encode_interval", 16, NULL, encode_interval},
};

static PyObject *
shortcut_call(PyObject *object, PyObject *const *args, size_t flagged, PyObject *keywords)
{
    Shortcut *self = (Shortcut *)object;
    if (keywords != NULL || PyVectorcall_NARGS(flagged) != 1) {
        PyErr_SetString(PyExc_TypeError, "a Shortcut takes one value");
        return NULL;
    }
    PyObject *given = args[0], *made = NULL;
    if (self->encode != NULL) {
        made = self->encode(self, given);
    }
    else if (PyBytes_CheckExact(given) && PyBytes_GET_SIZE(given) == self->size) {
        made = self->decode(self, (const unsigned char *)PyBytes_AS_STRING(given));
    }
    if (made != NULL || PyErr_Occurred()) {
        return made;
    }
    return PyObject_CallOneArg(self->otherwise, given);
}

static PyObject *
shortcut_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"name", "otherwise", "interval", "slots", NULL};
    const char *name;
    PyObject *otherwise, *slots;
    PyTypeObject *interval;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "sOO!O!:Shortcut", names, &name, &otherwise,
                                     &PyType_Type, &interval, &PyTuple_Type, &slots)) {
        return NULL;
    }
    int wanted = 0, count = (int)(sizeof(shortcuts) / sizeof(shortcuts[0]));
    while (wanted < count && strcmp(shortcuts[wanted].name, name) != 0) {
        wanted++;
    }
    if (wanted == count || PyTuple_GET_SIZE(slots) != 3) {
        PyErr_Format(PyExc_ValueError, "there is no shortcut %.100s with these slots", name);
        return NULL;
    }
    Py_ssize_t fields[3];
    for (int n = 0; n < 3; n++) {
        fields[n] = offset_of(interval, PyTuple_GET_ITEM(slots, n));
        if (fields[n] < 0) {
            return NULL;
        }
    }
    Shortcut *self = (Shortcut *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = shortcut_call;
    self->decode = shortcuts[wanted].decode;
    self->encode = shortcuts[wanted].encode;
    self->size = shortcuts[wanted].size;
    self->otherwise = Py_NewRef(otherwise);
    self->interval = (PyTypeObject *)Py_NewRef(interval);
    memcpy(self->fields, fields, sizeof(fields));
    return (PyObject *)self;
}

/* There is no tp_clear, for the reason that a Decoder has none. */
static int
shortcut_traverse(PyObject *object, visitproc visit, void *arg)
{
    Shortcut *self = (Shortcut *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->otherwise);
    Py_VISIT(self->interval);
    return 0;
}

static void
shortcut_dealloc(PyObject *object)
{
    Shortcut *self = (Shortcut *)object;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->otherwise);
    Py_XDECREF(self->interval);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef shortcut_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Shortcut, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(shortcut_doc,
"Shortcut(name, otherwise, interval, slots)\n--\n\n"
"Encode or decode a value of a type, such as \"decode_date\"; call `otherwise` with what is not\n"
"ordinary. The slots are those of an interval's months, days and microseconds.");

static PyType_Slot shortcut_slots[] = {
    {Py_tp_doc, (void *)shortcut_doc},
    {Py_tp_new, (void *)shortcut_new},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_traverse, (void *)shortcut_traverse},
    {Py_tp_dealloc, (void *)shortcut_dealloc},
    {Py_tp_members, shortcut_members},
    {0, NULL},
};

static PyType_Spec shortcut_spec = {
    .name = "ormkit._accelerator.Shortcut",
    .basicsize = sizeof(Shortcut),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
        | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = shortcut_slots,
};

/* Returns where the objects of a slot's own class hold its value; 0 where that cannot be told, or to
 * read the attribute is more than to read the slot. */
static Py_ssize_t
readable_offset(PyObject *descriptor)
{
    if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type)
        || PyDescr_TYPE(descriptor)->tp_getattro != PyObject_GenericGetAttr) {
        return 0;
    }
    Py_ssize_t offset = offset_of(PyDescr_TYPE(descriptor), descriptor);
    if (offset < 0) {
        PyErr_Clear();
        return 0;
    }
    return offset;
}

/* Returns a list of what the objects hold in a slot; None where one of them holds nothing there, is
 * of another class, or the slot cannot be read. */
static PyObject *
values_of(PyObject *module, PyObject *args)
{
    PyObject *descriptor, *objects;
    if (!PyArg_ParseTuple(args, "OO!:values_of", &descriptor, &PyList_Type, &objects)) {
        return NULL;
    }
    Py_ssize_t offset = readable_offset(descriptor), count = PyList_GET_SIZE(objects);
    if (offset == 0) {
        Py_RETURN_NONE;
    }
    PyObject *values = PyList_New(count);
    if (values == NULL) {
        return NULL;
    }
    /* Nothing runs in the middle, but to make the list may have collected garbage. */
    for (Py_ssize_t n = 0; n < count; n++) {
        PyObject *value = NULL;
        if (PyList_GET_SIZE(objects) == count
            && Py_IS_TYPE(PyList_GET_ITEM(objects, n), PyDescr_TYPE(descriptor))) {
            value = *(PyObject **)((char *)PyList_GET_ITEM(objects, n) + offset);
        }
        if (value == NULL) {
            Py_DECREF(values);
            Py_RETURN_NONE;
        }
        PyList_SET_ITEM(values, n, Py_NewRef(value));
    }
    return values;
}

/* Returns whether all the objects are of a slot's class and hold nothing there. */
static PyObject *
are_unset(PyObject *module, PyObject *args)
{
    PyObject *descriptor, *objects;
    if (!PyArg_ParseTuple(args, "OO!:are_unset", &descriptor, &PyList_Type, &objects)) {
        return NULL;
    }
    Py_ssize_t offset = readable_offset(descriptor);
    int are = offset != 0;
    for (Py_ssize_t n = 0; are && n < PyList_GET_SIZE(objects); n++) {
        PyObject *object = PyList_GET_ITEM(objects, n);
        are = Py_IS_TYPE(object, PyDescr_TYPE(descriptor))
            && *(PyObject **)((char *)object + offset) == NULL;
    }
    return PyBool_FromLong(are);
}

/* Returns whether each value is None or of just this type, and a text of no more characters than the
 * limit, which is -1 for none. */
static PyObject *
are_kept(PyObject *module, PyObject *args)
{
    PyObject *values, *kind;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(args, "O!On:are_kept", &PyList_Type, &values, &kind, &limit)) {
        return NULL;
    }
    int are = limit < 0 || kind == (PyObject *)&PyUnicode_Type;
    for (Py_ssize_t n = 0; are && n < PyList_GET_SIZE(values); n++) {
        PyObject *value = PyList_GET_ITEM(values, n);
        are = value == Py_None
            || ((PyObject *)Py_TYPE(value) == kind
                && (limit < 0 || PyUnicode_GET_LENGTH(value) <= limit));
    }
    return PyBool_FromLong(are);
}

/* What the functions below return for a document that takes more than a new order: a borrowed value
 * that no document holds. */
#define OTHER Py_NotImplemented

static PyObject *stored_document(PyObject *value, int is_binary);

typedef struct {
    PyObject *key, *value;
    const char *bytes;
    Py_ssize_t length;
} Member;

/* The order of jsonb: by length, then by bytes. */
static int
compare_members(const void *one, const void *other)
{
    const Member *a = one, *b = other;
    if (a->length != b->length) {
        return a->length < b->length ? -1 : 1;
    }
    return memcmp(a->bytes, b->bytes, (size_t)a->length);
}

/* Brings the members into their stored form and order. Returns 1 where anything is another then, 0
 * where nothing is, -1 with an error, or without one where it takes more than that. */
static int
store_members(Member *members, Py_ssize_t count, int is_binary)
{
    int is_changed = 0, is_ordered = 1;
    for (Py_ssize_t n = 0; n < count; n++) {
        Member *member = members + n;
        if (!PyUnicode_CheckExact(member->key)) {
            return -1;
        }
        if (is_binary) {
            member->bytes = PyUnicode_AsUTF8AndSize(member->key, &member->length);
            if (member->bytes == NULL) {
                return -1;
            }
            is_ordered = is_ordered && (n == 0 || compare_members(member - 1, member) < 0);
        }
        PyObject *value = stored_document(member->value, is_binary);
        if (value == NULL || value == OTHER) {
            Py_XDECREF(value);
            return -1;
        }
        is_changed = is_changed || value != member->value;
        Py_SETREF(member->value, value);
    }
    if (!is_ordered) {
        qsort(members, (size_t)count, sizeof(Member), compare_members);
    }
    return is_changed || !is_ordered;
}

static PyObject *
dict_of(const Member *members, Py_ssize_t count)
{
    PyObject *object = PyDict_New();
    for (Py_ssize_t n = 0; object != NULL && n < count; n++) {
        if (PyDict_SetItem(object, members[n].key, members[n].value) < 0) {
            Py_CLEAR(object);
        }
    }
    return object;
}

static PyObject *
stored_object(PyObject *object, int is_binary)
{
    Py_ssize_t size = PyDict_GET_SIZE(object), count = 0, place = 0;
    if (size == 0) {
        return Py_NewRef(object);
    }
    Member *members = PyMem_New(Member, size);
    if (members == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *key, *value;
    /* Held before anything else is made, which may collect garbage and so run any code. */
    while (count < size && PyDict_Next(object, &place, &key, &value)) {
        members[count++] = (Member){Py_NewRef(key), Py_NewRef(value), NULL, 0};
    }
    int is_changed = store_members(members, count, is_binary);
    PyObject *stored = NULL;
    if (is_changed >= 0) {
        stored = is_changed ? dict_of(members, count) : Py_NewRef(object);
    }
    else if (!PyErr_Occurred()) {
        stored = Py_NewRef(OTHER);
    }
    else if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        stored = Py_NewRef(OTHER);
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        Py_DECREF(members[n].key);
        Py_DECREF(members[n].value);
    }
    PyMem_Free(members);
    return stored;
}

/* The same of a list, or a tuple, which becomes one. */
static PyObject *
stored_list(PyObject *sequence, int is_binary)
{
    PyObject *found = PySequence_List(sequence);
    int is_changed = !PyList_CheckExact(sequence);
    for (Py_ssize_t n = 0; found != NULL && n < PyList_GET_SIZE(found); n++) {
        PyObject *value = stored_document(PyList_GET_ITEM(found, n), is_binary);
        if (value == NULL || value == OTHER) {
            Py_DECREF(found);
            return value;
        }
        is_changed = is_changed || value != PyList_GET_ITEM(found, n);
        PyList_SetItem(found, n, value);
    }
    if (found != NULL && !is_changed) {
        Py_SETREF(found, Py_NewRef(sequence));
    }
    return found;
}

/* Returns a JSON document as the server gives it back, the very same where nothing changes; OTHER
 * where that takes more than to make lists of tuples and to order keys. */
static PyObject *
stored_document(PyObject *value, int is_binary)
{
    if (value == Py_None || PyBool_Check(value) || PyUnicode_CheckExact(value)
        || PyLong_CheckExact(value)) {
        return Py_NewRef(value);
    }
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        /* jsonb has no exponents and no negative zero. */
        int is_stored = is_binary ? fabs(number) < 1e16 && (number != 0 || !signbit(number))
                                  : isfinite(number);
        return Py_NewRef(is_stored ? value : OTHER);
    }
    int is_list = PyList_CheckExact(value) || PyTuple_CheckExact(value);
    if (!is_list && !PyDict_CheckExact(value)) {
        return Py_NewRef(OTHER);
    }
    if (Py_EnterRecursiveCall(" in a JSON document")) {
        return NULL;
    }
    PyObject *stored = is_list ? stored_list(value, is_binary) : stored_object(value, is_binary);
    Py_LeaveRecursiveCall();
    return stored;
}

static PyObject *
stored_json(PyObject *module, PyObject *args)
{
    PyObject *value;
    int is_binary;
    if (!PyArg_ParseTuple(args, "pO:stored_json", &is_binary, &value)) {
        return NULL;
    }
    return stored_document(value, is_binary);
}

/* Statements that are listened to: what PythonStatementRecord and PythonRecorder in recorder.py do for
 * each statement, beside the statement itself. Whatever takes part in few statements is left to Python
 * there: other ways to send than run(), errors, and listeners that want the values. */

typedef struct {
    PyObject_HEAD
    PyObject *command;
    PyObject *tag;
    PyObject *error;
    PyObject *values;
    PyObject *twin; /* the record of the same statement without values */
    double waited;
    double elapsed;
    double making;
    Py_ssize_t argument_sets;
    Py_ssize_t keys;
    Py_ssize_t chunks;
    Py_ssize_t returned;
    int backend;
    char in_transaction;
} StatementRecord;

static inline double
seconds_now(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyTime_t now;
    (void)PyTime_PerfCounterRaw(&now);
    return PyTime_AsSecondsDouble(now);
#else
    return _PyTime_AsSecondsDouble(_PyTime_GetPerfCounter());
#endif
}

static StatementRecord *
record_of(PyTypeObject *type, PyObject *command)
{
    StatementRecord *self = (StatementRecord *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->command = Py_NewRef(command);
        self->argument_sets = 1;
    }
    return self;
}

static PyObject *
record_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"command", NULL};
    PyObject *command;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:StatementRecord", names, &command)) {
        return NULL;
    }
    return (PyObject *)record_of(type, command);
}

static PyObject *
record_with_values(PyObject *object, PyObject *given)
{
    StatementRecord *self = (StatementRecord *)object;
    PyObject *values = PySequence_List(given);
    StatementRecord *twin = values == NULL ? NULL : record_of(Py_TYPE(self), self->command);
    if (twin == NULL) {
        Py_XDECREF(values);
        return NULL;
    }
    twin->values = values;
    twin->twin = Py_NewRef(object);
    twin->tag = Py_XNewRef(self->tag);
    twin->error = Py_XNewRef(self->error);
    twin->waited = self->waited;
    twin->elapsed = self->elapsed;
    twin->argument_sets = self->argument_sets;
    twin->keys = self->keys;
    twin->chunks = self->chunks;
    twin->returned = self->returned;
    twin->backend = self->backend;
    twin->in_transaction = self->in_transaction;
    return (PyObject *)twin;
}

static int
record_traverse(PyObject *object, visitproc visit, void *arg)
{
    StatementRecord *self = (StatementRecord *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->command);
    Py_VISIT(self->tag);
    Py_VISIT(self->error);
    Py_VISIT(self->values);
    Py_VISIT(self->twin);
    return 0;
}

static int
record_clear(PyObject *object)
{
    StatementRecord *self = (StatementRecord *)object;
    Py_CLEAR(self->command);
    Py_CLEAR(self->tag);
    Py_CLEAR(self->error);
    Py_CLEAR(self->values);
    Py_CLEAR(self->twin);
    return 0;
}

static void
record_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    record_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef record_methods[] = {
    {"with_values", record_with_values, METH_O,
     PyDoc_STR("Return the same record with what was bound.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef record_members[] = {
    {"_command", T_OBJECT, offsetof(StatementRecord, command), 0, NULL},
    {"_tag", T_OBJECT, offsetof(StatementRecord, tag), 0, NULL},
    {"_returned", T_PYSSIZET, offsetof(StatementRecord, returned), 0, NULL},
    {"_twin", T_OBJECT, offsetof(StatementRecord, twin), 0, NULL},
    {"argument_sets", T_PYSSIZET, offsetof(StatementRecord, argument_sets), 0, NULL},
    {"backend", T_INT, offsetof(StatementRecord, backend), 0, NULL},
    {"chunks", T_PYSSIZET, offsetof(StatementRecord, chunks), 0, NULL},
    {"elapsed", T_DOUBLE, offsetof(StatementRecord, elapsed), 0, NULL},
    {"error", T_OBJECT, offsetof(StatementRecord, error), 0, NULL},
    {"in_transaction", T_BOOL, offsetof(StatementRecord, in_transaction), 0, NULL},
    {"keys", T_PYSSIZET, offsetof(StatementRecord, keys), 0, NULL},
    {"making", T_DOUBLE, offsetof(StatementRecord, making), 0, NULL},
    {"values", T_OBJECT, offsetof(StatementRecord, values), 0, NULL},
    {"waited", T_DOUBLE, offsetof(StatementRecord, waited), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot record_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("StatementRecord(command)\n--\n\nThe figures of one statement.")},
    {Py_tp_new, (void *)record_new},
    {Py_tp_traverse, (void *)record_traverse},
    {Py_tp_clear, (void *)record_clear},
    {Py_tp_dealloc, (void *)record_dealloc},
    {Py_tp_methods, record_methods},
    {Py_tp_members, record_members},
    {0, NULL},
};

static PyType_Spec record_spec = {
    .name = "ormkit._accelerator.StatementRecord",
    .basicsize = sizeof(StatementRecord),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = record_slots,
};

typedef struct {
    PyObject_HEAD
    PyTypeObject *event;         /* the class of the events, a kind of StatementRecord */
    PyObject *rows;              /* the class of rows that know their event, a kind of list */
    PyObject *listeners;
    PyObject *told;              /* the list of those who listen, which their owner keeps up to date */
    PyObject *is_in_transaction; /* asks the driver */
    PyObject *is_told;           /* a context variable, true within a listener */
    PyObject *began;
    StatementRecord *spare;      /* an event that nobody kept, for the next statement; or NULL */
    double waited;
    Py_ssize_t statements;
    Py_ssize_t savepoints;
    int backend;
} Recorder;

/* Return an event with nothing but its command. Most listeners keep none: then the same object serves
 * statement after statement, which takes a fifth of what a new one does. */
static StatementRecord *
next_event(Recorder *self, PyObject *command)
{
    StatementRecord *event = self->spare;
    if (event == NULL) {
        return record_of(self->event, command);
    }
    self->spare = NULL;
    event->command = Py_NewRef(command);
    event->making = 0.0;
    event->chunks = event->returned = 0;
    return event;
}

/* Let go of an event; one that nobody else has serves the next statement. */
static void
let_go_of_event(Recorder *self, StatementRecord *event)
{
    if (Py_REFCNT(event) == 1 && self->spare == NULL) {
        (void)record_clear((PyObject *)event);
        /* That may run any code. */
        if (Py_REFCNT(event) == 1 && self->spare == NULL) {
            self->spare = event;
            return;
        }
    }
    Py_DECREF(event);
}

/* Names of attributes, by what is after `name_`. */
#define NAMES(USE) USE(event) USE(failed) USE(shape) USE(bound) USE(watch) USE(is_lookup) USE(is_many) \
    USE(args) USE(values) USE(command) USE(throw) USE(close) USE(run) USE(told) USE(__name__)
#define DECLARE(name) static PyObject *name_##name;
#define INTERN(name) && (name_##name = PyUnicode_InternFromString(#name)) != NULL

NAMES(DECLARE)

static int
intern_names(PyObject *module)
{
    return 1 NAMES(INTERN) ? 0 : -1;
}

/* Return the event of a statement that has ended now: what was sent, when, and how many argument
 * sets and keys it had. */
static StatementRecord *
ended(Recorder *self, PyObject *command, double began, Py_ssize_t argument_sets, Py_ssize_t keys)
{
    double elapsed = seconds_now() - began;
    PyObject *is_open = PyObject_CallNoArgs(self->is_in_transaction);
    StatementRecord *event = is_open == NULL ? NULL : next_event(self, command);
    if (event != NULL) {
        event->elapsed = elapsed;
        event->argument_sets = argument_sets;
        event->keys = keys;
        event->in_transaction = is_open == Py_True;
        event->backend = self->backend;
        event->waited = self->waited;
        self->waited = 0.0;
        self->statements++;
    }
    Py_XDECREF(is_open);
    return event;
}

/* The last context that listeners were called in, and the variables of the context it was made of.
 * Setting a variable takes as long as everything else that is done for an event, and the next event
 * mostly comes from the same context. It is one for all engines: it keeps alive what it holds. */
static PyObject *told_context, *told_variables;

static int
find_variables(PyObject *found, void *place)
{
    if (!PyContext_CheckExact(found)) {
        *(PyObject **)place = found;
    }
    return 0;
}

/* Return the immutable object in which a context holds its variables. Beside it, it holds the context
 * that it was entered from. */
static PyObject *
variables_of(PyObject *context)
{
    PyObject *variables = NULL;
    Py_TYPE(context)->tp_traverse(context, find_variables, &variables);
    return Py_XNewRef(variables);
}

/* Return the context that code runs in; where that is not known, a copy of it, which is as good. */
static PyObject *
current_context(void)
{
#if PY_VERSION_HEX < 0x030F0000
    PyObject *context = PyThreadState_Get()->context;
    if (context != NULL) {
        return Py_NewRef(context);
    }
#endif
    return PyContext_CopyCurrent();
}

/* Make a copy of a context in which is_told is true. */
static PyObject *
telling_context(PyObject *now, PyObject *is_told)
{
    PyObject *made = PyContext_Copy(now);
    if (made == NULL || PyContext_Enter(made) < 0) {
        Py_XDECREF(made);
        return NULL;
    }
    PyObject *token = PyContextVar_Set(is_told, Py_True);
    Py_XDECREF(token);
    if (PyContext_Exit(made) < 0 || token == NULL) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}

/* Call one listener; an error of its own is logged. */
static int
tell_one(Recorder *self, PyObject *pair, PyObject *event)
{
    if (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "who listens is a pair");
        return -1;
    }
    PyObject *done = PyObject_CallOneArg(PyTuple_GET_ITEM(pair, 1), event);
    if (done == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyObject *kind, *error, *traceback;
        PyErr_Fetch(&kind, &error, &traceback);
        PyErr_NormalizeException(&kind, &error, &traceback);
        if (traceback != NULL) {
            PyException_SetTraceback(error, traceback);
        }
        done = PyObject_CallMethodObjArgs(self->listeners, name_failed, pair, error, NULL);
        Py_XDECREF(kind);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
    }
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
tell_within(Recorder *self, PyObject *context, PyObject *pairs, PyObject *event)
{
    if (PyContext_Enter(context) < 0) {
        return -1;
    }
    int failed = 0;
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(pairs) && !failed; n++) {
        failed = tell_one(self, PyTuple_GET_ITEM(pairs, n), event);
    }
    return PyContext_Exit(context) < 0 ? -1 : failed;
}

/* Return whether this is a listener, whose statements are not told of; -1 with an error. */
static int
is_telling(Recorder *self)
{
    PyObject *is_told;
    if (PyContextVar_Get(self->is_told, Py_False, &is_told) < 0) {
        return -1;
    }
    Py_DECREF(is_told);
    return is_told == Py_True;
}

/* Call the listeners in a copy of the current context. Statements in it are not told of, nor are
 * those in a copy of it, such as a task has. */
static int
tell_each(Recorder *self, PyObject *pairs, PyObject *event)
{
    PyObject *now = current_context();
    if (now == NULL) {
        return -1;
    }
    PyObject *variables = variables_of(now);
    /* Taken away meanwhile, since no other thread can enter it. */
    PyObject *context = told_context, *made_of = told_variables;
    told_context = told_variables = NULL;
    int failed = 0;
    if (context == NULL || made_of != variables) {
        /* Otherwise these variables are known for those of no listener. */
        failed = is_telling(self);
        Py_XSETREF(context, failed ? NULL : telling_context(now, self->is_told));
        failed = failed < 0 || (!failed && context == NULL) ? -1 : 0;
    }
    Py_XDECREF(made_of);
    Py_DECREF(now);
    if (context != NULL) {
        PyObject *before = variables_of(context);
        failed = tell_within(self, context, pairs, event);
        PyObject *after = variables_of(context);
        /* What a listener has set is for itself only. */
        if (before == after && variables != NULL) {
            Py_XSETREF(told_context, Py_NewRef(context));
            Py_XSETREF(told_variables, Py_NewRef(variables));
        }
        Py_XDECREF(before);
        Py_XDECREF(after);
        Py_DECREF(context);
    }
    Py_XDECREF(variables);
    return failed;
}

/* Return those who listen: without (0) or with (1) the values of a statement. */
static PyObject *
pairs_of(Recorder *self, Py_ssize_t place)
{
    PyObject *pairs = place < PyList_GET_SIZE(self->told) ? PyList_GET_ITEM(self->told, place) : NULL;
    if (pairs == NULL || !PyTuple_CheckExact(pairs)) {
        PyErr_SetString(PyExc_TypeError, "those who listen are two tuples");
        return NULL;
    }
    return Py_NewRef(pairs);
}

/* Tell of a statement; only who wants the values gets them. */
static int
tell(Recorder *self, PyObject *event, PyObject *values)
{
    PyObject *pairs = pairs_of(self, 0);
    int failed = pairs == NULL || (PyTuple_GET_SIZE(pairs) && tell_each(self, pairs, event) < 0);
    Py_XDECREF(pairs);
    if (failed || (pairs = pairs_of(self, 1)) == NULL) {
        return -1;
    }
    if (PyTuple_GET_SIZE(pairs)) {
        PyObject *twin = PyObject_CallMethodObjArgs(self->listeners, name_bound, event, values, NULL);
        failed = twin == NULL || tell_each(self, pairs, twin) < 0;
        Py_XDECREF(twin);
    }
    Py_DECREF(pairs);
    return failed ? -1 : 0;
}

/* Returns the answer with rows that note how long it takes to make objects of them. */
static PyObject *
with_event(Recorder *self, StatementRecord *event, PyObject *answer)
{
    PyObject *shape = PyObject_GetAttr(event->command, name_shape);
    int has_shape = shape == NULL ? -1 : PyObject_IsTrue(shape);
    Py_XDECREF(shape);
    if (has_shape <= 0) {
        return has_shape < 0 ? NULL : Py_NewRef(answer);
    }
    PyObject *rows = PyObject_CallOneArg(self->rows, PyTuple_GET_ITEM(answer, 0));
    PyObject *made = NULL;
    if (rows != NULL && PyObject_SetAttr(rows, name_event, (PyObject *)event) == 0) {
        made = PyTuple_Pack(2, rows, PyTuple_GET_ITEM(answer, 1));
    }
    Py_XDECREF(rows);
    return made;
}

static PyObject *
recorder_ended(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "ended() takes what was sent");
        return NULL;
    }
    double began = PyFloat_AsDouble(args[1]);
    Py_ssize_t argument_sets = PyLong_AsSsize_t(args[2]), keys = PyLong_AsSsize_t(args[3]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    return (PyObject *)ended((Recorder *)self, args[0], began, argument_sets, keys);
}

static PyObject *
recorder_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"event", "rows", "listeners", "is_told", "is_in_transaction", "backend",
                            NULL};
    PyTypeObject *event;
    PyObject *rows, *listeners, *is_told, *is_in_transaction;
    int backend;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!OOO!Oi:Recorder", names, &PyType_Type, &event,
                                     &rows, &listeners, &PyContextVar_Type, &is_told,
                                     &is_in_transaction, &backend)) {
        return NULL;
    }
    if (event->tp_new != record_new || event->tp_basicsize != sizeof(StatementRecord)) {
        PyErr_SetString(PyExc_TypeError, "event must be a class of StatementRecord without slots");
        return NULL;
    }
    PyObject *told = PyObject_GetAttr(listeners, name_told);
    if (told == NULL || !PyList_CheckExact(told)) {
        Py_XDECREF(told);
        PyErr_SetString(PyExc_TypeError, "listeners need a list of those who are told");
        return NULL;
    }
    Recorder *self = (Recorder *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(told);
    }
    else {
        self->event = (PyTypeObject *)Py_NewRef(event);
        self->rows = Py_NewRef(rows);
        self->listeners = Py_NewRef(listeners);
        self->told = told;
        self->is_in_transaction = Py_NewRef(is_in_transaction);
        self->is_told = Py_NewRef(is_told);
        self->backend = backend;
    }
    return (PyObject *)self;
}

/* There is no tp_clear, for the reason that a Decoder has none. */
static int
recorder_traverse(PyObject *object, visitproc visit, void *arg)
{
    Recorder *self = (Recorder *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->event);
    Py_VISIT(self->rows);
    Py_VISIT(self->listeners);
    Py_VISIT(self->told);
    Py_VISIT(self->is_in_transaction);
    Py_VISIT(self->is_told);
    Py_VISIT(self->began);
    Py_VISIT(self->spare);
    return 0;
}

static void
recorder_dealloc(PyObject *object)
{
    Recorder *self = (Recorder *)object;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->event);
    Py_XDECREF(self->rows);
    Py_XDECREF(self->listeners);
    Py_XDECREF(self->told);
    Py_XDECREF(self->is_in_transaction);
    Py_XDECREF(self->is_told);
    /* Nobody may listen any more. */
    Py_CLEAR(told_context);
    Py_CLEAR(told_variables);
    Py_XDECREF(self->began);
    Py_XDECREF(self->spare);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef recorder_methods[] = {
    {"ended", (PyCFunction)(void (*)(void))recorder_ended, METH_FASTCALL,
     PyDoc_STR("Return the event of a statement that has ended now.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef recorder_members[] = {
    {"listeners", T_OBJECT, offsetof(Recorder, listeners), READONLY, NULL},
    {"waited", T_DOUBLE, offsetof(Recorder, waited), 0, NULL},
    {"statements", T_PYSSIZET, offsetof(Recorder, statements), 0, NULL},
    {"savepoints", T_PYSSIZET, offsetof(Recorder, savepoints), 0, NULL},
    {"began", T_OBJECT, offsetof(Recorder, began), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot recorder_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("Records the statements of one connection.")},
    {Py_tp_new, (void *)recorder_new},
    {Py_tp_traverse, (void *)recorder_traverse},
    {Py_tp_dealloc, (void *)recorder_dealloc},
    {Py_tp_methods, recorder_methods},
    {Py_tp_members, recorder_members},
    {0, NULL},
};

static PyType_Spec recorder_spec = {
    .name = "ormkit._accelerator.Recorder",
    .basicsize = sizeof(Recorder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = recorder_slots,
};

/* The running of one statement that is told of: it awaits the coroutine of a connection that tells
 * nothing, and stands in for it. */
typedef struct {
    PyObject_HEAD
    PyObject *running;
    Recorder *recorder;
    PyObject *command;
    PyObject *values;
    double began;
    Py_ssize_t argument_sets;
    Py_ssize_t keys;
    enum { IS_NEW, IS_SENT, IS_OVER } state;
} Telling;

/* Let go of what belongs to the statement. */
static int
telling_clear(PyObject *object)
{
    Telling *self = (Telling *)object;
    Py_CLEAR(self->running);
    Py_CLEAR(self->recorder);
    Py_CLEAR(self->command);
    Py_CLEAR(self->values);
    return 0;
}

/* Return the coroutine to go on with; NULL with an error once it has ended. */
static PyObject *
to_go_on(Telling *self)
{
    if (self->running == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    }
    return Py_XNewRef(self->running);
}

/* Tell of a statement that was answered, and return the answer. */
static PyObject *
tell_answer(Telling *self, PyObject *answer)
{
    if (!PyTuple_CheckExact(answer) || PyTuple_GET_SIZE(answer) != 2) {
        PyErr_SetString(PyExc_TypeError, "an answer is rows and a tag");
        return NULL;
    }
    Recorder *recorder = self->recorder;
    Py_ssize_t returned = PyObject_Size(PyTuple_GET_ITEM(answer, 0));
    StatementRecord *event = returned < 0 ? NULL : ended(recorder, self->command, self->began,
                                                         self->argument_sets, self->keys);
    if (event == NULL) {
        return NULL;
    }
    event->returned = returned;
    event->tag = Py_NewRef(PyTuple_GET_ITEM(answer, 1));
    PyObject *result = NULL;
    if (tell(recorder, (PyObject *)event, self->values) == 0) {
        /* Where no listener keeps the event, nobody will ask how long it takes to make objects. */
        result = Py_REFCNT(event) == 1 ? Py_NewRef(answer) : with_event(recorder, event, answer);
    }
    let_go_of_event(recorder, event);
    return result;
}

/* Tell of a statement that failed with the error that is set, which stays set. */
static void
tell_failure(Telling *self)
{
    PyObject *kind, *error, *traceback;
    PyErr_Fetch(&kind, &error, &traceback);
    PyErr_NormalizeException(&kind, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    StatementRecord *event = ended(self->recorder, self->command, self->began, self->argument_sets,
                                   self->keys);
    int failed = -1;
    if (event != NULL) {
        event->error = Py_NewRef(error);
        /* A listener sees it as the error that is being handled. */
        PyObject *handled = PyErr_GetHandledException();
        PyErr_SetHandledException(error);
        failed = tell(self->recorder, (PyObject *)event, self->values);
        PyErr_SetHandledException(handled);
        Py_XDECREF(handled);
        Py_DECREF(event);
    }
    if (failed) {
        Py_XDECREF(kind);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
    }
    else {
        PyErr_Restore(kind, error, traceback);
    }
}

/* Let go of what belongs to the statement while an error is set. */
static void
clear_beside_error(Telling *self)
{
    PyObject *kind, *error, *traceback;
    PyErr_Fetch(&kind, &error, &traceback);
    (void)telling_clear((PyObject *)self);
    PyErr_Restore(kind, error, traceback);
}

static PySendResult
telling_am_send(PyObject *object, PyObject *value, PyObject **result)
{
    Telling *self = (Telling *)object;
    PyObject *running = to_go_on(self);
    if (running == NULL) {
        return PYGEN_ERROR;
    }
    if (self->state == IS_NEW) {
        self->state = IS_SENT;
        self->began = seconds_now();
    }
    PySendResult how = PyIter_Send(running, value, result);
    Py_DECREF(running);
    if (how == PYGEN_NEXT || self->state == IS_OVER) {
        return how;
    }
    self->state = IS_OVER;
    if (how == PYGEN_RETURN) {
        Py_SETREF(*result, tell_answer(self, *result));
        how = *result == NULL ? PYGEN_ERROR : PYGEN_RETURN;
    }
    else {
        tell_failure(self);
    }
    clear_beside_error(self);
    return how;
}

/* Set the exception by which a coroutine returns a tuple, or anything else. */
static void
set_returned(PyObject *value)
{
    PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, value);
    if (stop != NULL) {
        PyErr_SetObject(PyExc_StopIteration, stop);
        Py_DECREF(stop);
    }
}

static PyObject *
telling_send(PyObject *self, PyObject *value)
{
    PyObject *result = NULL;
    if (telling_am_send(self, value, &result) == PYGEN_RETURN) {
        set_returned(result);
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *
telling_next(PyObject *self)
{
    return telling_send(self, Py_None);
}

/* Tell of an answer that came by the exception of a coroutine's end, and set the like. */
static void
return_after_throw(Telling *self)
{
    PyObject *kind, *stop, *traceback;
    PyErr_Fetch(&kind, &stop, &traceback);
    PyErr_NormalizeException(&kind, &stop, &traceback);
    PyObject *answer = Py_XNewRef(((PyStopIterationObject *)stop)->value);
    PyObject *told = answer == NULL ? NULL : tell_answer(self, answer);
    if (told != NULL) {
        set_returned(told);
    }
    Py_XDECREF(told);
    Py_XDECREF(answer);
    Py_XDECREF(kind);
    Py_XDECREF(stop);
    Py_XDECREF(traceback);
}

static PyObject *
telling_throw(PyObject *object, PyObject *args)
{
    Telling *self = (Telling *)object;
    int was_sent = self->state == IS_SENT;
    PyObject *running = to_go_on(self);
    PyObject *method = running == NULL ? NULL : PyObject_GetAttr(running, name_throw);
    PyObject *yielded = method == NULL ? NULL : PyObject_CallObject(method, args);
    Py_XDECREF(method);
    Py_XDECREF(running);
    if (yielded != NULL || self->state == IS_OVER) {
        return yielded;
    }
    self->state = IS_OVER;
    /* What has not begun was not sent. */
    if (was_sent && PyErr_ExceptionMatches(PyExc_StopIteration)) {
        return_after_throw(self);
    }
    else if (was_sent) {
        tell_failure(self);
    }
    clear_beside_error(self);
    return NULL;
}

static PyObject *
telling_close(PyObject *object, PyObject *nothing)
{
    Telling *self = (Telling *)object;
    int was_sent = self->state == IS_SENT;
    if (self->running == NULL) {
        Py_RETURN_NONE;
    }
    self->state = IS_OVER;
    PyObject *running = Py_NewRef(self->running);
    PyObject *closed = PyObject_CallMethodNoArgs(running, name_close);
    Py_DECREF(running);
    if (was_sent) {
        if (closed != NULL) {
            Py_CLEAR(closed);
            PyErr_SetNone(PyExc_GeneratorExit);
        }
        tell_failure(self);
        if (PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
            PyErr_Clear();
            closed = Py_NewRef(Py_None);
        }
    }
    clear_beside_error(self);
    return closed;
}

/* What looks into a coroutine sees the one that runs. */
static PyObject *
telling_get(PyObject *self, void *name)
{
    PyObject *running = ((Telling *)self)->running;
    return running == NULL ? Py_NewRef(Py_None) : PyObject_GetAttrString(running, name);
}

static int
telling_traverse(PyObject *object, visitproc visit, void *arg)
{
    Telling *self = (Telling *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->running);
    Py_VISIT(self->recorder);
    Py_VISIT(self->command);
    Py_VISIT(self->values);
    return 0;
}

static void
telling_dealloc(PyObject *object)
{
    Telling *self = (Telling *)object;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)telling_clear(object);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef telling_methods[] = {
    {"send", telling_send, METH_O, PyDoc_STR("Go on with this value.")},
    {"throw", telling_throw, METH_VARARGS, PyDoc_STR("Go on with this error.")},
    {"close", telling_close, METH_NOARGS, PyDoc_STR("End the statement where it waits.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef telling_getset[] = {
    {"cr_await", telling_get, NULL, NULL, "cr_await"},
    {"cr_code", telling_get, NULL, NULL, "cr_code"},
    {"cr_frame", telling_get, NULL, NULL, "cr_frame"},
    {"cr_running", telling_get, NULL, NULL, "cr_running"},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot telling_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("The running of a statement that is told of.")},
    {Py_tp_traverse, (void *)telling_traverse},
    {Py_tp_clear, (void *)telling_clear},
    {Py_tp_dealloc, (void *)telling_dealloc},
    {Py_tp_methods, telling_methods},
    {Py_tp_getset, telling_getset},
    {Py_tp_iter, (void *)PyObject_SelfIter},
    {Py_tp_iternext, (void *)telling_next},
    {Py_am_await, (void *)PyObject_SelfIter},
    {Py_am_send, (void *)telling_am_send},
    {0, NULL},
};

static PyType_Spec telling_spec = {
    .name = "ormkit._accelerator.Telling",
    .basicsize = sizeof(Telling),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION
        | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = telling_slots,
};

/* Where objects of one class hold a slot: of the class that was met first. Reading it takes a third of
 * what the general way does, and each statement reads two. */
typedef struct {
    PyTypeObject *type;
    Py_ssize_t offset;
} Place;

/* The method run() of connections that tell of what it does in their plain class. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *plain;
    PyTypeObject *telling;
    Telling *spare; /* the last one, which serves again once nobody else has it */
    Place watch;
    Place is_lookup;
} Told;

static PyObject *
read_slot(PyObject *object, Place *place, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(object);
    if (place->type == type) {
        PyObject *value = *(PyObject **)((char *)object + place->offset);
        if (value != NULL) {
            return Py_NewRef(value);
        }
    }
    else if (place->type == NULL) {
        PyObject *descriptor = PyObject_GetAttr((PyObject *)type, name);
        Py_ssize_t offset = descriptor == NULL ? -1 : offset_of(type, descriptor);
        PyErr_Clear();
        Py_XDECREF(descriptor);
        if (offset >= 0 && place->type == NULL) {
            *place = (Place){(PyTypeObject *)Py_NewRef(type), offset};
        }
    }
    return PyObject_GetAttr(object, name);
}

/* Return an argument by its place or its name, borrowed; NULL without an error where it is not given. */
static PyObject *
argument(PyObject *const *args, Py_ssize_t count, PyObject *keywords, Py_ssize_t place, PyObject *name)
{
    if (place >= 0 && place < count) {
        return args[place];
    }
    for (Py_ssize_t n = 0; keywords != NULL && n < PyTuple_GET_SIZE(keywords); n++) {
        if (PyUnicode_Compare(PyTuple_GET_ITEM(keywords, n), name) == 0) {
            return args[count + n];
        }
    }
    return NULL;
}

/* Note how many rows of arguments or keys were sent. */
static int
count_values(Telling *self, Place *place, PyObject *is_many)
{
    self->argument_sets = 1;
    PyObject *is_lookup = read_slot(self->command, place, name_is_lookup);
    if (is_lookup == NULL) {
        return -1;
    }
    if (is_lookup == Py_True) {
        /* len() of the array itself would have the driver take it for measured. */
        PyObject *array = PySequence_GetItem(self->values, 0);
        PyObject *keys = array == NULL ? NULL : PyObject_GetAttr(array, name_values);
        self->keys = keys == NULL ? -1 : PyObject_Size(keys);
        Py_XDECREF(array);
        Py_XDECREF(keys);
    }
    Py_DECREF(is_lookup);
    if (is_many != NULL && PyObject_IsTrue(is_many)) {
        self->argument_sets = PyObject_Size(self->values);
    }
    return self->keys < 0 || self->argument_sets < 0 ? -1 : 0;
}

static Telling *
next_telling(Told *self)
{
    Telling *made = self->spare;
    if (made == NULL || Py_REFCNT(made) != 1 || made->running != NULL) {
        made = (Telling *)self->telling->tp_alloc(self->telling, 0);
        if (made != NULL) {
            Py_XSETREF(self->spare, (Telling *)Py_NewRef(made));
        }
        return made;
    }
    made->keys = 0;
    made->state = IS_NEW;
    return (Telling *)Py_NewRef(made);
}

static PyObject *
told_call(PyObject *object, PyObject *const *args, size_t flagged, PyObject *keywords)
{
    Told *self = (Told *)object;
    Py_ssize_t count = PyVectorcall_NARGS(flagged);
    PyObject *command = argument(args, count, keywords, 1, name_command);
    PyObject *values = argument(args, count, keywords, 2, name_args);
    PyObject *watch = count > 0 ? read_slot(args[0], &self->watch, name_watch) : NULL;
    Telling *made = NULL;
    if (watch != NULL && command != NULL && Py_TYPE(watch)->tp_dealloc == recorder_dealloc) {
        made = next_telling(self);
    }
    else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_TypeError, "a connection and a command are needed");
    }
    if (made == NULL) {
        Py_XDECREF(watch);
        return NULL;
    }
    made->recorder = (Recorder *)watch;
    made->command = Py_NewRef(command);
    made->values = values == NULL ? PyTuple_New(0) : Py_NewRef(values);
    PyObject *is_many = argument(args, count, keywords, -1, name_is_many);
    if (made->values != NULL && count_values(made, &self->is_lookup, is_many) == 0) {
        PyObject *run = PyObject_GetAttr(self->plain, name_run);
        made->running = run == NULL ? NULL : PyObject_Vectorcall(run, args, flagged, keywords);
        Py_XDECREF(run);
    }
    if (made->running == NULL) {
        clear_beside_error(made);
        Py_CLEAR(made);
    }
    return (PyObject *)made;
}

static PyObject *
told_get(PyObject *self, PyObject *connection, PyObject *owner)
{
    return connection == NULL || connection == Py_None ? Py_NewRef(self)
                                                       : PyMethod_New(self, connection);
}

static PyObject *
told_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"plain", NULL};
    PyObject *plain;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:Told", names, &plain)) {
        return NULL;
    }
    PyObject *telling = PyObject_GetAttrString(PyType_GetModule(type), "Telling");
    Told *self = telling == NULL ? NULL : (Told *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_XDECREF(telling);
        return NULL;
    }
    self->vectorcall = told_call;
    self->plain = Py_NewRef(plain);
    self->telling = (PyTypeObject *)telling;
    return (PyObject *)self;
}

static int
told_traverse(PyObject *object, visitproc visit, void *arg)
{
    Told *self = (Told *)object;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->plain);
    Py_VISIT(self->telling);
    Py_VISIT(self->spare);
    Py_VISIT(self->watch.type);
    Py_VISIT(self->is_lookup.type);
    return 0;
}

static void
told_dealloc(PyObject *object)
{
    Told *self = (Told *)object;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->plain);
    Py_XDECREF(self->telling);
    Py_XDECREF(self->spare);
    Py_XDECREF(self->watch.type);
    Py_XDECREF(self->is_lookup.type);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef told_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Told, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot told_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("Told(plain)\n--\n\nThe run() that tells of what that of a class does.")},
    {Py_tp_new, (void *)told_new},
    {Py_tp_traverse, (void *)told_traverse},
    {Py_tp_dealloc, (void *)told_dealloc},
    {Py_tp_members, told_members},
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_descr_get, (void *)told_get},
    {0, NULL},
};

static PyType_Spec told_spec = {
    .name = "ormkit._accelerator.Told",
    .basicsize = sizeof(Told),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
        | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = told_slots,
};

static int
add_types(PyObject *module)
{
    int failed = add_type(module, &decoder_spec) < 0 || add_type(module, &reader_spec) < 0
        || add_type(module, &shortcut_spec) < 0 || add_type(module, &record_spec) < 0
        || add_type(module, &recorder_spec) < 0 || add_type(module, &telling_spec) < 0
        || add_type(module, &told_spec) < 0;
    return failed ? -1 : 0;
}

/* The way from a listener to the code that sent the statement: what python_walk() in callers.py does. */

enum { APPLICATION, PASSED, OWN, TASK };

/* Return the kind of a frame's module; -1 with an error. */
static int
kind_of_frame(PyFrameObject *frame, PyObject *kinds, PyObject *find)
{
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *name = PyDict_CheckExact(globals) ? PyDict_GetItemWithError(globals, name___name__) : NULL;
    long kind = -1;
    if (name == NULL || !PyUnicode_CheckExact(name)) {
        kind = PyErr_Occurred() ? -1 : APPLICATION;
    }
    else {
        PyObject *found = Py_XNewRef(PyDict_GetItemWithError(kinds, name));
        if (found == NULL && !PyErr_Occurred()) {
            found = PyObject_CallOneArg(find, name);
        }
        kind = found == NULL ? -1 : PyLong_AsLong(found);
        Py_XDECREF(found);
    }
    Py_DECREF(globals);
    if (kind == -1 && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "no kind of a module");
    }
    return kind < 0 ? -1 : (int)kind;
}

/* Go to the frame that called this one, which is let go of. */
static PyFrameObject *
back_of(PyFrameObject *frame)
{
    PyFrameObject *back = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    return back;
}

/* Return the first frame of the runtime that awaits something; NULL, with or without an error. */
static PyFrameObject *
awaiting_frame(PyObject *kinds, PyObject *find)
{
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef(PyEval_GetFrame());
    while (frame != NULL) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        int kind = code->co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR)
                       ? kind_of_frame(frame, kinds, find) : APPLICATION;
        Py_DECREF(code);
        if (kind == OWN) {
            break;
        }
        if (kind < 0) {
            Py_CLEAR(frame);
            break;
        }
        frame = back_of(frame);
    }
    return frame;
}

static int
note_frame(PyFrameObject *frame, PyObject *names, PyObject *noted)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    int is_noted = PySet_Contains(names, code->co_name);
    Py_DECREF(code);
    return is_noted > 0 ? PyList_Append(noted, (PyObject *)frame) : is_noted;
}

static PyObject *
walk(PyObject *module, PyObject *args)
{
    PyObject *kinds, *find, *names;
    if (!PyArg_ParseTuple(args, "O!OO!:walk", &PyDict_Type, &kinds, &find, &PyFrozenSet_Type, &names)) {
        return NULL;
    }
    PyObject *noted = PyList_New(0);
    PyFrameObject *frame = noted == NULL ? NULL : awaiting_frame(kinds, find);
    PyFrameObject *last = NULL;
    int kind = APPLICATION;
    while (frame != NULL) {
        kind = kind_of_frame(frame, kinds, find);
        if (kind != PASSED && kind != OWN) {
            break;
        }
        if (note_frame(frame, names, noted) < 0) {
            break;
        }
        Py_XSETREF(last, (PyFrameObject *)Py_NewRef(frame));
        frame = back_of(frame);
    }
    PyObject *found = NULL;
    if (!PyErr_Occurred()) {
        PyObject *application = kind == TASK || frame == NULL ? Py_None : (PyObject *)frame;
        PyObject *outermost = last == NULL ? Py_None : (PyObject *)last;
        PyObject *is_task = kind == TASK && frame != NULL ? Py_True : Py_False;
        found = PyTuple_Pack(4, application, is_task, noted, outermost);
    }
    Py_XDECREF(noted);
    Py_XDECREF(frame);
    Py_XDECREF(last);
    return found;
}

static PyMethodDef functions[] = {
    {"walk", walk, METH_VARARGS,
     PyDoc_STR("Return the frame that sent a statement, and frames on the way from there.")},
    {"are_kept", are_kept, METH_VARARGS,
     PyDoc_STR("Return whether each value is None or of just this type, and no text too long.")},
    {"stored_json", stored_json, METH_VARARGS,
     PyDoc_STR("Return a JSON document as the server gives it back; NotImplemented for some.")},
    {"objects_with", objects_with, METH_VARARGS,
     PyDoc_STR("Make an object of a class for each row, whose values its attributes hold.")},
    {"are_unset", are_unset, METH_VARARGS,
     PyDoc_STR("Return whether all the objects are of a slot's class and hold nothing there.")},
    {"values_of", values_of, METH_VARARGS,
     PyDoc_STR("Return what each object holds in a slot; None where that cannot be told.")},
    {NULL, NULL, 0, NULL},
};

/* The version of this source that it was compiled from; hatch_build.py names it. */
#ifndef ORMKIT_REVISION
#define ORMKIT_REVISION unknown
#endif
#define TEXT_OF(name) #name
#define EXPANDED(name) TEXT_OF(name)

static int
add_revision(PyObject *module)
{
    return PyModule_AddStringConstant(module, "revision", EXPANDED(ORMKIT_REVISION));
}

static int
import_datetime(PyObject *module)
{
    PyDateTime_IMPORT;
    return PyDateTimeAPI == NULL ? -1 : 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)add_types},
    {Py_mod_exec, (void *)import_datetime},
    {Py_mod_exec, (void *)intern_names},
    {Py_mod_exec, (void *)add_revision},
    {0, NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_accelerator",
    .m_doc = "Receiving bytes, making objects of rows and dates of bytes, reading slots, in C.",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__accelerator(void)
{
    return PyModuleDef_Init(&module_definition);
}
